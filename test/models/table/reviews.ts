import type { ConfigInput } from '../../../lib/config/index.ts';
import { createRng } from '../../../lib/engine/host/index.ts';

/** What reviews are made of: things, what is good or bad of them, and words that say nothing. */
interface Language {
  readonly things: readonly string[];
  readonly good: readonly string[];
  readonly bad: readonly string[];
  readonly filler: readonly string[];
  readonly between: string;
}

export const LANGUAGES = {
  english: {
    things: ['the dress', 'this shirt', 'the coat', 'these jeans', 'the skirt'],
    good: ['fits well', 'feels soft', 'is lovely', 'looks great', 'is my favourite'],
    bad: ['runs small', 'feels rough', 'fell apart', 'looks cheap', 'went back'],
    filler: ['i bought it in may', 'it came on monday', 'my sister has one', 'it is blue', 'for the office'],
    between: ' ',
  },
  chinese: {
    things: ['这条裙子', '这件衬衫', '这件大衣', '这条裤子', '这双鞋'],
    good: ['很合身', '质量很好', '非常漂亮', '穿着舒服', '值得购买'],
    bad: ['太小了', '质量很差', '颜色不对', '穿着难受', '已经退货'],
    filler: ['五月买的', '周一送到', '我妹妹也有', '是蓝色的', '上班穿'],
    between: '',
  },
  japanese: {
    things: ['このワンピースは', 'このシャツは', 'このコートは', 'このズボンは', 'このくつは'],
    good: ['ぴったりです', 'とてもいいです', 'すごくかわいい', '着心地がいい', '買ってよかった'],
    bad: ['小さすぎる', 'とても悪いです', '色が違います', '着心地が悪い', '返品しました'],
    filler: ['五月に買って', '月曜日に届いて', '妹も持っていて', '青い色で', '仕事用に'],
    between: '',
  },
  thai: {
    things: ['ชุดนี้', 'เสื้อตัวนี้', 'กางเกงตัวนี้', 'กระโปรงนี้', 'รองเท้าคู่นี้'],
    good: ['ใส่พอดี', 'คุณภาพดีมาก', 'สวยมาก', 'ใส่สบาย', 'คุ้มค่า'],
    bad: ['เล็กเกินไป', 'คุณภาพแย่มาก', 'สีไม่ตรง', 'ใส่ไม่สบาย', 'ส่งคืนแล้ว'],
    filler: ['ซื้อตอนพฤษภาคม', 'มาถึงวันจันทร์', 'น้องสาวก็มี', 'สีน้ำเงิน', 'ใส่ไปทำงาน'],
    between: '',
  },
} satisfies Record<string, Language>;

/** A table of reviews of which an encoder is made in a second. */
export const reviewsConfig = (more: Partial<ConfigInput> = {}): ConfigInput => ({
  shop: { timeZone: 'UTC' },
  sources: {
    reviews: {
      format: 'csv',
      table: 'labels',
      columns: { label: 'recommended', split: 'part' },
      attributes: { texts: ['title', 'body'], numbers: ['stars'] },
      duplicates: 'keep',
    },
  },
  tasks: { recommended: { kind: 'label', source: 'reviews', positive: 'yes' } },
  text: { encoder: { layers: 1, width: 16, heads: 2, epochs: 2 }, labels: { epochs: 4, typos: false } },
  model: { families: ['logistic'] },
  training: { threads: 1 },
  ...more,
});

/**
 * Reviews, every fourth for testing. Whether one recommends is told by what it says, but for every twentieth, and by a number that says a
 * little. @param spoil another text for the test rows
 */
export function reviews(
  language: keyof typeof LANGUAGES,
  count: number,
  spoil: (text: string) => string = (text) => text,
): string {
  const { things, good, bad, filler, between }: Language = LANGUAGES[language];
  const rng = createRng(`reviews ${language}`);
  const pick = (words: readonly string[]) => words[rng.integer(words.length)]!;
  const rows = Array.from({ length: count }, (_, i) => {
    const likes = rng.uniform() < 0.6;
    const said = rng.uniform() < 0.95 ? likes : !likes;
    const stars = rng.integer(3) + (likes ? 2 : 1);
    const told = pick(said ? good : bad);
    const body = [pick(filler), pick(things), told, pick(filler)].join(between);
    const part = i % 4 === 0 ? 'test' : 'train';
    const own = part === 'test' ? spoil(body) : body;
    return [pick(things), own, stars, likes ? 'yes' : 'no', part].join();
  });
  return `${['title,body,stars,recommended,part', ...rows].join('\n')}\n`;
}
