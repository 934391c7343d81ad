import { csvLine, type Export, utc } from '../shop.ts';

/** events.csv of Retail Rocket's data set. */
export const retailrocket: Export = {
  file: 'events.csv',
  header: 'timestamp,visitorid,event,itemid,transactionid',
  special: [
    '1740823200000,257597,view,355908,',
    '1740823201000,257597,addtocart,355908,',
    '1740823202000,257597,transaction,355908,4000',
    '1740823202000,257597,transaction,248676,4000',
  ],
  rows: (visits) =>
    visits.flatMap(({ id, customer, time, looks, lines }) => [
      ...looks.map((sku, i) => `${time + 1000 * i},${customer},view,${sku.slice(4)},`),
      ...lines.map(({ sku }) => `${time + 60_000},${customer},transaction,${sku.slice(4)},${id}`),
    ]),
};

const HEADER = ['Order No', 'Customer', 'E-Mail', 'Placed', 'Article', 'Pieces', 'Unit Price', 'Status'];

/** What a shop system of one's own may write: semicolons, a date of its own, a decimal comma. */
export const anyCsv: Export = {
  file: 'lines.csv',
  header: HEADER.join(';'),
  special: [
    '1;K-1;ann@shop.example;01.03.2025 10:00;sku-0;2;1.019,90;paid',
    '2;K-2;bob@shop.example;01.03.2025 10:05;sku-1;1;80,00;cancelled',
  ],
  rows: (visits) =>
    visits.flatMap(({ id, customer, email, time, lines }) =>
      lines.map(({ sku, quantity, price }) => {
        const [day = '', clock = ''] = utc(time).split(' ');
        const placed = `${day.split('-').reverse().join('.')} ${clock.slice(0, 5)}`;
        return csvLine(HEADER, {
          ...{
            'Order No': id + 100,
            Customer: `K-${customer + 10}`,
            'E-Mail': email,
            Placed: placed,
            Article: sku,
          },
          ...{ Pieces: quantity, 'Unit Price': price.toFixed(2).replace('.', '#'), Status: 'paid' },
        })
          .replaceAll(',', ';')
          .replace('#', ',');
      }),
    ),
};
