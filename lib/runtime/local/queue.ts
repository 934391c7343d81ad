import { QueueError } from '../errors.ts';
import type { Queue, QueueMessage } from '../types.ts';

/** SQS hands out at most ten messages a request. */
const MOST_AT_ONCE = 10;

export interface LocalQueueOptions {
  readonly name: string;
  /** For how long a received message is hidden from others. Default 15 minutes, the longest a handler may take. */
  readonly visibilityMs?: number;
  /** After so many deliveries without an acknowledgement a message is dead. Default 3. */
  readonly maxReceives?: number;
  /** Milliseconds; only differences matter. */
  readonly clock?: () => number;
}

export interface DeadLetter {
  readonly id: string;
  readonly body: string;
  readonly receiveCount: number;
}

export interface LocalQueue extends Queue {
  deadLetters(): DeadLetter[];
  /** Shows the dead messages again, as never received. Returns how many there were. */
  redrive(): number;
}

interface Entry {
  readonly id: string;
  readonly body: string;
  receiveCount: number;
  /** Of the last delivery. */
  receipt: string | undefined;
  hiddenUntil: number;
}

/**
 * A queue in this process with the semantics of SQS: at least once; what is received stays hidden for the visibility
 * time and then shows again; what was received too often is dead. It need not outlive the process: what is to do can
 * always be found by listing the store.
 */
export function createLocalQueue(options: LocalQueueOptions): LocalQueue {
  const { name, visibilityMs = 900_000, maxReceives = 3, clock = Date.now } = options;
  if (!(visibilityMs > 0)) {
    throw new QueueError(`queue ${name} has a visibility of ${visibilityMs} ms: give more than 0`);
  }
  if (!Number.isInteger(maxReceives) || maxReceives < 1) {
    throw new QueueError(`queue ${name} has maxReceives ${maxReceives}: give a whole number from 1`);
  }
  return new MemoryQueue(name, visibilityMs, maxReceives, clock);
}

class MemoryQueue implements LocalQueue {
  readonly name: string;
  readonly #visibilityMs: number;
  readonly #maxReceives: number;
  readonly #clock: () => number;
  /** By message id. An entry is in one of the two; `hidden` holds what is in flight or delayed. */
  readonly #showing = new Map<string, Entry>();
  readonly #hidden = new Map<string, Entry>();
  readonly #receipts = new Map<string, Entry>();
  #dead: DeadLetter[] = [];
  #sent = 0;
  #deliveries = 0;

  constructor(name: string, visibilityMs: number, maxReceives: number, clock: () => number) {
    this.name = name;
    this.#visibilityMs = visibilityMs;
    this.#maxReceives = maxReceives;
    this.#clock = clock;
  }

  async send(body: string): Promise<void> {
    this.#show(`${this.name}-${++this.#sent}`, body);
  }

  async receive(max = 1): Promise<QueueMessage[]> {
    if (!Number.isInteger(max) || max < 1 || max > MOST_AT_ONCE) {
      throw new QueueError(`${max} messages asked of queue ${this.name}: ask for 1 to ${MOST_AT_ONCE}`);
    }
    this.#unhide();
    const messages: QueueMessage[] = [];
    for (const entry of this.#showing.values()) {
      if (messages.length === max) break;
      messages.push(this.#deliver(entry));
    }
    return messages;
  }

  async acknowledge(receipt: string): Promise<void> {
    const entry = this.#receipts.get(receipt);
    if (!entry) return;
    this.#receipts.delete(receipt);
    this.#hidden.delete(entry.id);
    this.#showing.delete(entry.id);
  }

  async release(receipt: string, delaySeconds = 0): Promise<void> {
    const entry = this.#receipts.get(receipt);
    // A message whose visibility ran out shows already, and a delay may not hide it from whoever is about to take it.
    if (!entry || !this.#hidden.has(entry.id)) return;
    entry.hiddenUntil = this.#clock() + delaySeconds * 1000;
    this.#unhide();
  }

  async depth(): Promise<{ waiting: number; inFlight: number; dead: number }> {
    this.#unhide();
    return { waiting: this.#showing.size, inFlight: this.#hidden.size, dead: this.#dead.length };
  }

  deadLetters(): DeadLetter[] {
    this.#unhide();
    return [...this.#dead];
  }

  redrive(): number {
    const dead = this.deadLetters();
    this.#dead = [];
    for (const { id, body } of dead) this.#show(id, body);
    return dead.length;
  }

  #show(id: string, body: string): void {
    this.#showing.set(id, { id, body, receiveCount: 0, receipt: undefined, hiddenUntil: 0 });
  }

  #deliver(entry: Entry): QueueMessage {
    if (entry.receipt !== undefined) this.#receipts.delete(entry.receipt);
    entry.receiveCount++;
    entry.receipt = `${entry.id}/${++this.#deliveries}`;
    entry.hiddenUntil = this.#clock() + this.#visibilityMs;
    this.#receipts.set(entry.receipt, entry);
    this.#showing.delete(entry.id);
    this.#hidden.set(entry.id, entry);
    return { id: entry.id, receipt: entry.receipt, body: entry.body, receiveCount: entry.receiveCount };
  }

  /** What was hidden long enough shows again, or is dead when it was received as often as allowed. */
  #unhide(): void {
    const now = this.#clock();
    for (const entry of this.#hidden.values()) {
      if (entry.hiddenUntil > now) continue;
      this.#hidden.delete(entry.id);
      if (entry.receiveCount < this.#maxReceives) {
        this.#showing.set(entry.id, entry);
        continue;
      }
      if (entry.receipt !== undefined) this.#receipts.delete(entry.receipt);
      this.#dead.push({ id: entry.id, body: entry.body, receiveCount: entry.receiveCount });
    }
  }
}
