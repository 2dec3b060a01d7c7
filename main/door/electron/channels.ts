/** Channels between the app and the preload script of its windows. */
export const rpcChannel = 'flatland:rpc';
export const commandChannel = 'flatland:command';
export const themeChannel = 'flatland:theme';
