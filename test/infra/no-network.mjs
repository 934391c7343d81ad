// Loaded into every process of a run that must need no network: a connection to anything but a local socket fails.
import { Socket } from 'node:net';

const connect = Socket.prototype.connect;
Socket.prototype.connect = function (...args) {
  const [first] = Array.isArray(args[0]) ? args[0] : args;
  if (typeof first === 'string' || first?.path !== undefined) return connect.apply(this, args);
  throw new Error(`no network here: asked for ${JSON.stringify(first)}`);
};
