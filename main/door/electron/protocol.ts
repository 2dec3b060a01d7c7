import { findFile, securityHeaders } from '../files.ts';
import type { ProtocolPart } from './parts.ts';
import { belongsTo, ownPage, pageScheme } from './policy.ts';

/** Gives `app://` the rights of https. Electron takes this only before it is ready. */
export function registerScheme(protocol: ProtocolPart): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: pageScheme, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ]);
}

/** Serves the built screens in `directory` as `app://flatland/`. */
export function serveScreens(protocol: ProtocolPart, directory: string): void {
  protocol.handle(pageScheme, async ({ method, url }) => {
    const refuse = (status: number) => new Response(null, { status, headers: { ...securityHeaders } });
    if (method !== 'GET' && method !== 'HEAD') return refuse(405);
    const file = belongsTo(ownPage, url) ? await findFile(directory, new URL(url).pathname) : null;
    if (file === null) return refuse(404);
    return new Response(method === 'HEAD' ? null : file.contents, { headers: { ...file.headers } });
  });
}
