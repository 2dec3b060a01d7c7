const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it stands between tags or in a quoted attribute. */
export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => escapes[character] ?? '');

/** HTML that `html` made, which is put into other HTML as it is. */
export interface Html {
  readonly html: string;
}

type Value = string | number | Html | null | readonly (string | number | Html)[];

function render(value: Value): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return escapeHtml(value);
  if ('html' in value) return value.html;
  return value.map(render).join('');
}

/** HTML with values in it. All text is escaped, so nothing that a host said can become a tag; null is nothing. */
export const html = (parts: TemplateStringsArray, ...values: readonly Value[]): Html => ({
  html: parts.reduce((text, part, index) => text + render(values[index - 1] ?? null) + part),
});
