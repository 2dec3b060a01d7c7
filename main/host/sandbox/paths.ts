/** Where a lab's sandbox hosts keep what is theirs on this machine; all of it is gone after `down`. */
export const runtimeRoot = '/run/flatland';
export const storageRoot = '/var/lib/flatland/hosts';

export const labRuntime = (lab: string) => `${runtimeRoot}/${lab}`;
export const labStorage = (lab: string) => `${storageRoot}/${lab}`;
export const hostRuntime = (lab: string, host: string) => `${labRuntime(lab)}/${host}`;
/** Network namespaces are bind mounts of our own, so that `/run/netns` stays as it was. */
/** No host can have this name: the underscore is in no DNS label. */
export const switchNamespace = (lab: string) => `${labRuntime(lab)}/_switch.net`;
export const hostNamespace = (lab: string, host: string) => `${labRuntime(lab)}/${host}.net`;
/** Beside the host's own folder, which only root may enter. */
export const consoleLog = (lab: string, host: string) => `${labRuntime(lab)}/${host}.console`;
export const machineName = (lab: string, host: string) => `flatland-${lab}-${host}`;
/** This machine's end of the link to a lab's underlay; an interface name has at most 15 characters. */
export const machineLink = (lab: string) => `fl-${lab}`;
