// Loaded into every process of an install: what it asks of any place but this machine is written down, and refused.
import { appendFileSync } from 'node:fs';
import { Socket } from 'node:net';

const LOCAL = ['127.0.0.1', '::1', 'localhost'];
const connect = Socket.prototype.connect;
Socket.prototype.connect = function (...args) {
  const [first] = Array.isArray(args[0]) ? args[0] : args;
  const host = first?.host;
  if (typeof first === 'string' || first?.path !== undefined || LOCAL.includes(host)) {
    return connect.apply(this, args);
  }
  appendFileSync(process.env.ASKED_ELSEWHERE, `${host}\n`);
  throw new Error(`only the registry can be reached here: asked for ${host}`);
};
