/**
 * The fields of one csv record (its line end may still be on it).
 * @param escapedBy what stands before a quote that belongs to a field: the quote itself where quotes are doubled
 */
export function splitRecord(record: string, delimiter: string, quote: string, escapedBy = quote): string[] {
  const text = record.replace(/^[\r\n\uFEFF]+|[\r\n]+$/g, '');
  if (text === '') return [];
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  let start = true;
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (quoted) {
      const next = text.charAt(i + 1);
      if (char === escapedBy && (next === quote || next === escapedBy)) {
        field += next;
        i++;
      } else if (char === quote) quoted = false;
      else field += char;
    } else if (char === delimiter) {
      fields.push(field);
      field = '';
      start = true;
      continue;
    } else if (start && quote !== '' && char === quote) quoted = true;
    else field += char;
    start = false;
  }
  fields.push(field);
  return fields;
}
