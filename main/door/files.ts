import { readFile, realpath } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';

/** A file of the screens as a door serves it. */
export interface StaticFile {
  readonly contents: Uint8Array<ArrayBuffer>;
  readonly headers: Readonly<Record<string, string>>;
}

const mediaTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};

/**
 * What a page of ours may load: its own files and nothing from anywhere else. Styles may be inline, which the terminal and
 * the topology need; scripts may not.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Headers of every answer, whatever is served. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** The path of a file below the root, as its segments; null for a path that is not one. */
function segmentsOf(pathname: string): string[] | null {
  let path: string;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    return null;
  }
  if (!path.startsWith('/') || /[\\\0:]/.test(path)) return null;
  const segments = path === '/' ? ['index.html'] : path.slice(1).split('/');
  return segments.some((segment) => ['', '.', '..'].includes(segment)) ? null : segments;
}

/**
 * Serves the files below `root`, which the build wrote; `pathname` is that of a URL, `/` is the page itself. Resolves to null
 * for what is not there, is outside of `root` (also through a link), or has an unknown kind.
 */
export async function findFile(root: string, pathname: string): Promise<StaticFile | null> {
  const segments = segmentsOf(pathname);
  const type = mediaTypes[extname(segments?.at(-1) ?? '')];
  if (segments === null || type === undefined) return null;
  try {
    const [top, path] = await Promise.all([realpath(root), realpath(join(root, ...segments))]);
    if (!path.startsWith(top + sep)) return null;
    const contents = new Uint8Array(await readFile(path));
    // The names of assets carry a hash of their contents.
    const cache = segments[0] === 'assets' ? 'public, max-age=31536000, immutable' : 'no-store';
    return { contents, headers: { ...securityHeaders, 'content-type': type, 'cache-control': cache } };
  } catch {
    return null;
  }
}
