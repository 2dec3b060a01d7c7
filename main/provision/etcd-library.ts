/** A module of its own, so that it can be loaded late: static imports alone give a CommonJS package its names in a bundle. */
export { Etcd3 } from 'etcd3';
