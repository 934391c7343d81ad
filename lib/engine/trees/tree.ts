import type { Edges } from './bins.ts';

/** A tree while it grows: node 0 is the root, a leaf has feature -1. */
export class GrowingTree {
  readonly feature: number[] = [];
  readonly threshold: number[] = [];
  readonly missingLeft: number[] = [];
  readonly left: number[] = [];
  readonly right: number[] = [];
  readonly value: number[] = [];
  readonly cover: number[] = [];

  /** Adds a leaf; its number. */
  leaf(): number {
    this.feature.push(-1);
    this.threshold.push(0);
    this.missingLeft.push(0);
    this.left.push(-1);
    this.right.push(-1);
    this.value.push(0);
    this.cover.push(0);
    return this.feature.length - 1;
  }

  /** Makes a leaf a node with two leaves below: the left one's number, the right one's is the next. */
  split(node: number, column: number, bin: number, missingLeft: boolean, edges: Edges): number {
    const left = this.leaf();
    const right = this.leaf();
    this.feature[node] = column;
    this.threshold[node] = edges[bin - 1]!;
    this.missingLeft[node] = missingLeft ? 1 : 0;
    this.left[node] = left;
    this.right[node] = right;
    return left;
  }

  /** Sums the leaves' cover up to the root: parents come before their children. */
  coverFromLeaves(): void {
    for (let node = this.feature.length - 1; node >= 0; node--) {
      if (this.feature[node]! >= 0) {
        this.cover[node] = this.cover[this.left[node]!]! + this.cover[this.right[node]!]!;
      }
    }
  }
}
