import { useView } from '../app/view.ts';

const paths =
  /(?<![\w.])(?:~|\/(?:home|root|Users|var|run|tmp|etc|usr|opt|srv|mnt|media|proc|sys|dev))(?:\/[^\s:'"`,)]+)+/g;
const addresses = /\b\d{1,3}(?:\.\d{1,3}){3}(?:\/\d{1,2})?\b/g;
const accounts = /\b[\w.-]+@[\w.-]+/g;
const secrets = /\b[0-9a-fA-F]{32,}\b/g;

/** A text that may be shown to a room: no paths, addresses, accounts or secrets of this machine. */
export const hidePrivate = (text: string): string =>
  text.replace(accounts, '•••').replace(secrets, '•••').replace(paths, '•••').replace(addresses, '•••');

const same = (text: string) => text;

/** How a text of this machine is shown: as it is, or with what is private hidden while something is presented. */
export const useShown = (): ((text: string) => string) =>
  useView((view) => view.presenter) ? hidePrivate : same;
