import type { Config } from '../../config/index.ts';
import { compareKeys } from '../../runtime/index.ts';
import { type IndexLimits, PAGE } from '../index-limits.ts';
import type { Settings } from '../inputs.ts';
import type { Loaded } from './loaded.ts';
import { type Looked, Looker } from './look.ts';
import { idOf, type Row, UNKNOWN } from './rows.ts';
import { type Scopes, scopesOf } from './scopes.ts';
import { WAITING } from './segments.ts';
import { rowsAt } from './view.ts';

/** Drops of slices that are held in memory at the same time. */
const MOST_ROWS = 5000;
/** Listings of the results of a slice: quality records, by two mappings perhaps, digests and day rows. */
const LISTED = 4;

/** What a step finds out about drops that wait, and what the index is to have for it. */
export class Work {
  /** Rows to be added, by group. */
  readonly add = new Map<string, Row[]>();
  readonly #loaded: Loaded;
  readonly #limits: IndexLimits;
  readonly #settings: Settings;
  readonly #earlier: Settings | undefined;
  readonly #scopes: Scopes;
  readonly #scopesBefore: Scopes | undefined;
  readonly #looker: Looker;

  constructor(args: { loaded: Loaded; config: Config; earlier: Settings | undefined; limits: IndexLimits }) {
    const { loaded, config, earlier, limits } = args;
    this.#loaded = loaded;
    this.#limits = limits;
    this.#settings = { config };
    this.#earlier = earlier;
    this.#scopes = scopesOf(config);
    this.#scopesBefore = earlier && scopesOf(earlier.config, earlier.earlier?.mappings);
    this.#looker = new Looker(loaded.store);
  }

  /**
   * Rows to be looked at: of drops that wait, and of those that an earlier night's settings may have read without anybody's
   * notice before those of now were there.
   * @param since the settings of now are there
   */
  async wanted(unknown: readonly (readonly number[])[], since: Date): Promise<(readonly number[])[]> {
    const before = this.#scopesBefore;
    if (!before) return [...unknown];
    const { refs } = this.#loaded;
    const unknownBefore = this.#loaded.unknownTo(before.all);
    const wanted: (readonly number[])[] = [];
    for (const [n, { group }] of refs.entries()) {
      if (!this.#scopes.all.has(group)) wanted.push(unknown[n]!);
      else if (unknownBefore[n]!.length === 0) wanted.push([]);
      else {
        const { row } = await this.#loaded.rowsOf(n);
        wanted.push(unknownBefore[n]!.filter((i) => row(i).modified < since.getTime()));
      }
    }
    return wanted;
  }

  /**
   * Asks about the drops that wait, so many of them at once, those behind the last one asked about first.
   * @param fresh that are in no segment yet
   * @param unknown rows of segments that wait
   * @returns the last key; '' after a look at all
   */
  async lookAtFew(
    fresh: readonly Row[],
    unknown: readonly (readonly number[])[],
    looked: string,
  ): Promise<string> {
    const rows = [...fresh];
    for await (const row of rowsAt(this.#loaded, unknown)) rows.push(row);
    rows.sort((a, b) => compareKeys(a.key, b.key));
    const at = rows.findIndex(({ key }) => compareKeys(key, looked) > 0);
    const turned = at < 0 ? rows : [...rows.slice(at), ...rows.slice(0, at)];
    const chosen = turned.slice(0, this.#limits.looks);
    const isFresh = new Set(fresh);
    await this.#look(chosen, (some, settings) => this.#looker.oneByOne(some, settings), isFresh);
    for (const row of turned.slice(this.#limits.looks)) if (isFresh.has(row)) this.#add(WAITING, row);
    return turned.length > chosen.length ? chosen.at(-1)!.key : '';
  }

  /**
   * Lists what drops have led to, slice by slice of all dropIds.
   * @param slice where to begin. @returns where to go on
   */
  async lookAtSlices(unknown: readonly (readonly number[])[], slice: number): Promise<number> {
    const all = this.#loaded.refs.reduce((sum, { rows }) => sum + rows, 0);
    const digits = Math.max(1, Math.min(3, Math.floor(Math.log(all / PAGE) / Math.log(16))));
    const slices = 16 ** digits;
    const waits = unknown.reduce((sum, rows) => sum + rows.length, 0);
    const pages = LISTED * Math.ceil(all / slices / PAGE);
    const byMemory = Math.floor(MOST_ROWS / (waits / slices));
    const count = Math.max(1, Math.min(slices, byMemory, Math.floor(this.#limits.requests / pages)));
    const first = slice % slices;
    const wanted = new Map<string, Row[]>();
    for (let i = 0; i < count; i++) wanted.set(prefixOf((first + i) % slices, digits), []);
    // Told by the numbers in memory, as most rows are of other slices.
    const chosen = unknown.map((rows, n) => {
      const { ids } = this.#loaded.members[n]!;
      const bytes = Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength);
      return rows.filter((row) => wanted.has(bytes.toString('hex', 8 * row, 8 * row + 2).slice(0, digits)));
    });
    for await (const row of rowsAt(this.#loaded, chosen)) {
      wanted.get(idOf(row.key).toString('hex').slice(0, digits))!.push(row);
    }
    let done = 0;
    for (const [prefix, rows] of wanted) {
      if (done > 0 && this.#looker.requests >= this.#limits.requests) break;
      if (rows.length > 0) {
        await this.#look(rows, (some, settings) => this.#looker.slice(prefix, some, settings));
      }
      done++;
    }
    return (first + done) % slices;
  }

  /**
   * Segments of drops that wait, or that only settings which nobody uses any more know, and of which little is needed now.
   * @returns those that are to go; what is needed of them is added again
   */
  async compact(unknown: readonly (readonly number[])[]): Promise<Set<number>> {
    const gone = new Set<number>();
    const added = new Set([...this.add.values()].flatMap((rows) => rows.map(({ key }) => key)));
    for (const [n, { group, rows }] of this.#loaded.refs.entries()) {
      if (this.#scopes.all.has(group) || this.#scopesBefore?.all.has(group)) continue;
      const needed = unknown[n]!;
      if (2 * needed.length >= rows) continue;
      gone.add(n);
      const one = this.#loaded.refs.map((_, i) => (i === n ? needed : []));
      for await (const row of rowsAt(this.#loaded, one)) if (!added.has(row.key)) this.#add(WAITING, row);
    }
    return gone;
  }

  async #look(
    rows: readonly Row[],
    look: (rows: readonly Row[], settings: readonly Settings[]) => Promise<Looked[]>,
    isFresh: ReadonlySet<Row> = new Set(),
  ): Promise<void> {
    const before = this.#earlier;
    const groups = [true, false].flatMap((now) =>
      [true, false].map((then) => ({ now, then, rows: [] as Row[] })),
    );
    for (const row of rows) {
      const now = !this.#isKnownTo(this.#scopes, row);
      const then = this.#isUnknownBefore(row);
      groups.find((group) => group.now === now && group.then === then)!.rows.push(row);
    }
    for (const { now, then, rows: some } of groups) {
      const settings = [...(now ? [this.#settings] : []), ...(then && before ? [before] : [])];
      if (settings.length === 0 || some.length === 0) continue;
      for (const { row, found } of await look(some, settings)) {
        if (now) this.#settle(row, found[0]!, isFresh.has(row));
        const last = found.at(-1)!;
        if (then && last.state !== 'pending') this.#add(this.#scopesBefore!.of(row.key).scope, last);
      }
    }
  }

  #settle(row: Row, found: Row, isFresh: boolean): void {
    if (found.state !== 'pending') this.#add(this.#scopes.of(row.key).scope, found);
    else if (isFresh) this.#add(WAITING, found);
    // That nothing is known of it by the settings of now is plain from its being where only others know it.
    else if (differ(row, found) && (row.state === 'pending' || differ(found, { ...found, ...UNKNOWN }))) {
      this.#add(WAITING, found);
    }
  }

  /** Do the settings of an earlier night differ from those of now for this drop, and have they not read it yet? */
  #isUnknownBefore(row: Row): boolean {
    const before = this.#scopesBefore;
    if (!before || before.of(row.key).scope === this.#scopes.of(row.key).scope) return false;
    return !this.#isKnownTo(before, row);
  }

  #isKnownTo(scopes: Scopes, { key }: Row): boolean {
    const id = idOf(key);
    const { refs, table } = this.#loaded;
    const places = table.places(id.readUInt32LE(0), id.readUInt32LE(4));
    return places.some(({ segment }) => scopes.all.has(refs[segment]!.group));
  }

  #add(group: string, row: Row): void {
    const rows = this.add.get(group);
    if (rows) rows.push(row);
    else this.add.set(group, [row]);
  }
}

const differ = (a: Row, b: Row): boolean =>
  a.state !== b.state || a.why !== b.why || a.revision !== b.revision || a.content !== b.content;

const prefixOf = (slice: number, digits: number): string => slice.toString(16).padStart(digits, '0');
