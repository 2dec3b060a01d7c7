import { escapeHtml } from '../../rpc/report/html.ts';

/** A page of a few words for whoever is not let in. It needs no file of the screens. */
export const plainPage = (title: string, sentences: readonly string[]): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} – Flatland</title>
<style>
body { margin: 0; min-height: 100vh; display: grid; place-content: center; font: 16px/1.6 system-ui, sans-serif; }
main { max-width: 34rem; padding: 2rem; }
h1 { font-size: 1.375rem; font-weight: 600; margin: 0 0 0.5rem; }
p { margin: 0.5rem 0; opacity: 0.8; }
code { font: 0.9em ui-monospace, monospace; }
</style>
</head>
<body><main><h1>${escapeHtml(title)}</h1>${sentences.map((text) => `<p>${escapeHtml(text)}</p>`).join('')}</main></body>
</html>
`;
