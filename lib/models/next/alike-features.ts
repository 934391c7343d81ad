import { type AlikePair, writeAlike } from './alike-columns.ts';
import type { Best } from './best.ts';
import type { ItemTable } from './item-table.ts';
import { isLead } from './others.ts';
import { TINY } from './pair-columns.ts';
import type { Profile } from './profile.ts';
import type { UnitAttributes } from './unit-attributes.ts';

/** A unit that so many users had at most has little else than its attributes to be found by. */
const FEW_USERS = 5;
/** Half-life in days, since a unit is known, of how early it is offered. */
const OFFER_HALF_LIFE = 60;
/** Of what leads to a unit, such as a view, a line weighs so much of one of the target's type. */
const LEAD = 0.5;

const { log1p, max } = Math;

/** A user's taste over traits; few of them are other than 0. */
class Taste {
  readonly weight: Float64Array;
  readonly #touched: number[] = [];
  readonly #attributes: UnitAttributes;
  #length = 0;

  constructor(attributes: UnitAttributes) {
    this.#attributes = attributes;
    this.weight = new Float64Array(attributes.traits);
  }

  clear(): void {
    for (const t of this.#touched) this.weight[t] = 0;
    this.#touched.length = 0;
    this.#length = 0;
  }

  add(unit: number, much: number): void {
    if (!(much > 0)) return;
    const { start, trait, weight } = this.#attributes;
    for (let k = start[unit]!; k < start[unit + 1]!; k++) {
      const t = trait[k]!;
      if (this.weight[t] === 0) this.#touched.push(t);
      this.weight[t]! += much * weight[k]!;
    }
  }

  /** Called once all is added. */
  settle(): void {
    let squares = 0;
    for (const t of this.#touched) squares += this.weight[t]! ** 2;
    this.#length = Math.sqrt(squares);
  }

  /** The traits that the taste has. */
  get traits(): readonly number[] {
    return this.#touched;
  }

  cosine(unit: number): number {
    if (this.#length === 0) return 0;
    const { start, trait, weight } = this.#attributes;
    let sum = 0;
    for (let k = start[unit]!; k < start[unit + 1]!; k++) sum += this.weight[trait[k]!]! * weight[k]!;
    return sum / this.#length;
  }
}

/**
 * What is read of a pair by what is said of units: candidates that few have had yet, by how much they are like what the user had,
 * and columns. As `OtherFeatures` for other types of events.
 */
export class AlikeFeatures {
  readonly #table: ItemTable;
  readonly #attributes: UnitAttributes;
  readonly #lead: readonly boolean[];
  readonly #all: Taste;
  readonly #recent: Taste;
  readonly #kind: Float64Array;
  /** By trait: the units that few had, and how much they have it. */
  readonly #coldStart: Int32Array;
  readonly #coldUnit: Int32Array;
  readonly #coldWeight: Float64Array;
  readonly #sum: Float64Array;
  readonly #pair: AlikePair = {
    ...{ alike: 0, recent: 0, largest: { alike: 0, recent: 0 }, cold: false, known: 0, kind: 0 },
  };

  constructor(table: ItemTable, attributes: UnitAttributes) {
    this.#table = table;
    this.#attributes = attributes;
    this.#lead = table.others.map(({ type }) => isLead(type));
    this.#all = new Taste(attributes);
    this.#recent = new Taste(attributes);
    this.#kind = popularityOfKinds(table, attributes);
    this.#sum = new Float64Array(table.names.length);
    const { traits, start, trait, weight, since } = attributes;
    const cold = Array.from(table.users.keys()).filter(
      (unit) => table.users[unit]! <= FEW_USERS && !Number.isNaN(since[unit]!),
    );
    const ends = new Int32Array(traits + 1);
    for (const unit of cold) for (let k = start[unit]!; k < start[unit + 1]!; k++) ends[trait[k]! + 1]!++;
    for (let t = 0; t < traits; t++) ends[t + 1]! += ends[t]!;
    const next = ends.slice();
    this.#coldStart = ends;
    this.#coldUnit = new Int32Array(ends[traits]!);
    this.#coldWeight = new Float64Array(ends[traits]!);
    for (const unit of cold) {
      for (let k = start[unit]!; k < start[unit + 1]!; k++) {
        const at = next[trait[k]!]!++;
        this.#coldUnit[at] = unit;
        this.#coldWeight[at] = weight[k]!;
      }
    }
  }

  /** @param others the user's profiles by the table's other types, in their order */
  open(profile: Profile, others: readonly Profile[]): void {
    this.#all.clear();
    this.#recent.clear();
    const add = ({ count, unit, lines, short }: Profile, share: number) => {
      for (let i = 0; i < count; i++) {
        this.#all.add(unit[i]!, share * log1p(lines[i]!));
        this.#recent.add(unit[i]!, share * log1p(short[i]!));
      }
    };
    add(profile, 1);
    others.forEach((other, t) => {
      if (this.#lead[t]) add(other, LEAD);
    });
    this.#all.settle();
    this.#recent.settle();
  }

  /** Offers units that few have had: those most like what the user had, the newer ones first. */
  offerCold(best: Best, barred: Uint8Array): void {
    const { since } = this.#attributes;
    const met: number[] = [];
    for (const t of this.#all.traits) {
      for (let k = this.#coldStart[t]!; k < this.#coldStart[t + 1]!; k++) {
        const unit = this.#coldUnit[k]!;
        if (this.#sum[unit] === 0) met.push(unit);
        this.#sum[unit]! += this.#all.weight[t]! * this.#coldWeight[k]!;
      }
    }
    for (const unit of met) {
      if (barred[unit] === 0) best.offer(unit, this.#sum[unit]! * 2 ** (-since[unit]! / OFFER_HALF_LIFE));
      this.#sum[unit] = 0;
    }
  }

  /** Finds the largest values among the user's candidates. */
  measure(candidates: Int32Array): void {
    const { largest } = this.#pair;
    largest.alike = 0;
    largest.recent = 0;
    for (const unit of candidates) {
      largest.alike = max(largest.alike, this.#all.cosine(unit));
      largest.recent = max(largest.recent, this.#recent.cosine(unit));
    }
  }

  /** Writes the columns of a candidate. */
  write(unit: number, out: Float32Array, at: number): void {
    const pair = this.#pair;
    const since = this.#attributes.since[unit]!;
    pair.alike = this.#all.cosine(unit);
    pair.recent = this.#recent.cosine(unit);
    pair.cold = this.#table.users[unit] === 0;
    pair.known = max(Number.isNaN(since) ? 0 : since, this.#table.age[unit]!);
    pair.kind = this.#kind[unit]!;
    writeAlike(pair, out, at);
  }
}

/** Of each unit the mean over its traits, by their weight, of the lines that a unit with the trait has; 1 is the mean unit's. */
function popularityOfKinds({ last30 }: ItemTable, attributes: UnitAttributes): Float64Array {
  const { traits, start, trait, weight } = attributes;
  const lines = new Float64Array(traits);
  const units = new Float64Array(traits);
  const each = (on: (unit: number, t: number, w: number) => void) => {
    for (let unit = 0; unit < last30.length; unit++) {
      for (let k = start[unit]!; k < start[unit + 1]!; k++) on(unit, trait[k]!, weight[k]!);
    }
  };
  each((unit, t) => {
    lines[t]! += last30[unit]!;
    units[t]!++;
  });
  const mean = max(last30.reduce((sum, one) => sum + one, 0) / max(last30.length, 1), TINY);
  const sums = new Float64Array(last30.length);
  const weights = new Float64Array(last30.length);
  each((unit, t, w) => {
    sums[unit]! += (w * lines[t]!) / units[t]! / mean;
    weights[unit]! += w;
  });
  return sums.map((sum, unit) => sum / max(weights[unit]!, TINY));
}
