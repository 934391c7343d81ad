/** Numbers and names as a reader sees them. What is not a finite number is written as a dash, never as NaN. */

type Maybe = number | null | undefined;

const DASH = '–';
/** Keeps a number and its unit on one line. */
const SPACE = '\u00a0';
const grouped = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });

export function isNumber(value: Maybe): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** 541909 -> '541,909'. */
export function count(value: Maybe): string {
  return isNumber(value) ? grouped.format(Math.round(value) + 0) : DASH;
}

/** 0.7514 -> '0.751'; no '-0.000'. */
export function decimal(value: Maybe, digits = 3): string {
  if (!isNumber(value)) return DASH;
  const text = value.toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text;
}

/** 0.569 -> '56.9 %'. What would round to nothing, or to everything, without being so is told apart. */
export function percent(value: Maybe, digits = 1): string {
  if (!isNumber(value)) return DASH;
  const step = 10 ** -digits;
  const percents = value * 100;
  if (percents > 0 && percents < step / 2) return `<${decimal(step, digits)}${SPACE}%`;
  if (percents < 100 && percents > 100 - step / 2) return `>${decimal(100 - step, digits)}${SPACE}%`;
  return `${decimal(percents, digits)}${SPACE}%`;
}

/** Share of a whole that may be nothing. */
export function shareOf(part: Maybe, whole: Maybe, digits = 1): string {
  return isNumber(part) && isNumber(whole) && whole > 0 ? percent(part / whole, digits) : DASH;
}

/** A strength or loss over any range: three significant digits, thousands grouped. */
export function significant(value: Maybe): string {
  if (!isNumber(value)) return DASH;
  const size = Math.abs(value);
  if (size >= 1000) return count(value);
  if (size > 0 && size < 0.001) return value.toExponential(1);
  return size === 0 ? '0' : value.toPrecision(3);
}

/** 12345678 -> '12.3 MB'. */
export function bytes(value: Maybe): string {
  if (!isNumber(value)) return DASH;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 ? count(size) : decimal(size, 1)}${SPACE}${units[unit]}`;
}

/** 3.21 -> '3.2 s'; 125 -> '2 min 5 s'. */
export function duration(seconds: Maybe): string {
  if (!isNumber(seconds)) return DASH;
  if (seconds < 60) return `${decimal(seconds, 1)}${SPACE}s`;
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (hours > 0) return `${count(hours)}${SPACE}h ${minutes}${SPACE}min`;
  return `${minutes}${SPACE}min ${whole % 60}${SPACE}s`;
}

/** 1, 'row', 'rows' -> '1 row'. */
export function plural(value: Maybe, one: string, many: string): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/**
 * Text from data, made harmless to a page's layout: control characters, line breaks and the characters that turn the
 * direction of writing would reach beyond their own cell, and a lone surrogate is no UTF-8.
 */
export function plain(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu, '\ufffd');
}

/** About how wide a text is printed, in widths of an ordinary small letter: nothing here can measure a font. */
export function columns(text: string): number {
  let sum = 0;
  for (const letter of text) sum += letterWidth(letter);
  return sum;
}

/** Cuts a text to about as many columns of print, and says so. */
export function clip(text: string, most: number): string {
  let used = 0;
  let kept = '';
  for (const letter of plain(text)) {
    used += letterWidth(letter);
    if (used > most) return `${kept.trimEnd()}…`;
    kept += letter;
  }
  return kept;
}

function letterWidth(letter: string): number {
  // from Hangul on: CJK, emoji
  if (letter.codePointAt(0)! >= 0x1100) return 1.8;
  if (/[mwMW@%]/.test(letter)) return 1.5;
  if (/[A-Z]/.test(letter)) return 1.15;
  return /[ ijlt.,:;'|()·-]/.test(letter) ? 0.55 : 1;
}
