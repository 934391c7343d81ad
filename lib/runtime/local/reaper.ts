import type { Child } from './child.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface ChildReaper {
  add(child: Child): void;
  remove(child: Child): void;
  killAll(): void;
}

/**
 * Ends the children when this process is told to end. Listens to signals only while there are children, and then lets
 * the signal do what it would have done without it.
 * @param onEnd called before the children are ended by a signal, so that they are not started again
 */
export function childReaper(onEnd: () => void): ChildReaper {
  const children = new Set<Child>();
  const killAll = () => {
    for (const child of children) child.kill();
  };
  const onSignal = (signal: NodeJS.Signals) => {
    onEnd();
    killAll();
    listen(false);
    // Where nobody else handles the signal, its default is to end the process.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  const listen = (on: boolean) => {
    for (const signal of SIGNALS) {
      if (on) process.on(signal, onSignal);
      else process.off(signal, onSignal);
    }
    if (on) process.on('exit', killAll);
    else process.off('exit', killAll);
  };
  return {
    add(child) {
      if (children.size === 0) listen(true);
      children.add(child);
    },
    remove(child) {
      if (children.delete(child) && children.size === 0) listen(false);
    },
    killAll,
  };
}
