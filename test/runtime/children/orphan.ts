import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { exitWithParent } from '../../../lib/runtime/index.ts';

/** A job that never ends by itself. Its connection to SOCKET closes when it is gone; EXIT gets its exit code. */

const { SOCKET = '', EXIT = '' } = process.env;
exitWithParent();
process.on('exit', (code) => writeFileSync(EXIT, String(code)));
connect(SOCKET);
