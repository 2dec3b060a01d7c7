declare const FLATLAND_VERSION: string | undefined;

/** Put in by the build. */
export const version = typeof FLATLAND_VERSION === 'undefined' ? '0.0.0' : FLATLAND_VERSION;
