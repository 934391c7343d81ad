/** Would a spreadsheet take a text for a formula (OWASP, "CSV Injection")? */
export const isFormula = (text: string): boolean =>
  /^[=+\-@\t\r]/.test(text) && !/^[+-]?\d+(?:\.\d+)?$/.test(text);
