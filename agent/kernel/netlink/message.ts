/* Messages of netlink(7) as functions over bytes: a header, a fixed part and attributes, all in the machine's own order (little-endian). */

/** One message. `body` is what follows the header. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** The port of the socket that a change came from; 0 is the kernel. */
  readonly port: number;
  readonly body: Buffer;
}

/** A request without its sequence number: type and flags of its header, the fixed part and the attributes. */
export interface Request {
  readonly type: number;
  readonly flags: number;
  readonly fixed: Buffer;
  readonly attributes: readonly Attribute[];
}

/** An attribute's type and its value, as it goes out. */
export type Attribute = readonly [type: number, value: Buffer];

export const headerLength = 16;
const attributeHeader = 4;
/** Netlink's flags NLA_F_NESTED and NLA_F_NET_BYTEORDER are no part of an attribute's type. */
const typeMask = 0x3fff;

const aligned = (length: number): number => (length + 3) & ~3;

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

/** Text as the kernel takes it, with a zero at its end. */
export const text = (value: string): Buffer => Buffer.from(`${value}\0`, 'latin1');

/** An IPv4 address as it is on the wire. */
export const ipv4Bytes = (address: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(address);
  return bytes;
};

export const macBytes = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');

export const macText = (bytes: Buffer): string => {
  const hex = bytes.toString('hex');
  let text = hex.slice(0, 2);
  for (let at = 2; at < hex.length; at += 2) text += `:${hex.slice(at, at + 2)}`;
  return text;
};

/** A request's length in bytes, padded as the next one in a batch needs it. */
export const requestLength = ({ fixed, attributes }: Request): number =>
  headerLength +
  aligned(fixed.length) +
  attributes.reduce((sum, [, value]) => sum + attributeHeader + aligned(value.length), 0);

function writeAttributes(target: Buffer, at: number, attributes: readonly Attribute[]): void {
  let next = at;
  for (const [type, value] of attributes) {
    target.writeUInt16LE(attributeHeader + value.length, next);
    target.writeUInt16LE(type, next + 2);
    value.copy(target, next + attributeHeader);
    next += attributeHeader + aligned(value.length);
  }
}

/** Writes a request into a buffer that has room for it; resolves to where the next one goes. */
export function writeRequest(target: Buffer, at: number, request: Request, sequence: number): number {
  const end = at + requestLength(request);
  target.fill(0, at, end);
  target.writeUInt32LE(end - at, at);
  target.writeUInt16LE(request.type, at + 4);
  target.writeUInt16LE(request.flags, at + 6);
  target.writeUInt32LE(sequence, at + 8);
  request.fixed.copy(target, at + headerLength);
  writeAttributes(target, at + headerLength + aligned(request.fixed.length), request.attributes);
  return end;
}

/** The messages in what one call received; what is cut off at the end is left out. Bodies are views. */
export function readMessages(bytes: Buffer): Message[] {
  const messages: Message[] = [];
  let at = 0;
  while (at + headerLength <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    if (length < headerLength || at + length > bytes.length) break;
    messages.push({
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      sequence: bytes.readUInt32LE(at + 8),
      port: bytes.readUInt32LE(at + 12),
      body: bytes.subarray(at + headerLength, at + length),
    });
    at += aligned(length);
  }
  return messages;
}

/** Attributes by their types; of several of one type the last counts, what is cut off is left out. Values are views. */
export function readAttributes(bytes: Buffer, from = 0): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  let at = from;
  while (at + attributeHeader <= bytes.length) {
    const length = bytes.readUInt16LE(at);
    if (length < attributeHeader || at + length > bytes.length) break;
    attributes.set(bytes.readUInt16LE(at + 2) & typeMask, bytes.subarray(at + attributeHeader, at + length));
    at += aligned(length);
  }
  return attributes;
}

/** A number of an attribute; null when it isn't there or too short. */
export const numberOf = (value: Buffer | undefined): number | null =>
  value === undefined || value.length < 4 ? null : value.readUInt32LE();

/** An IPv4 address of an attribute; null when it isn't there or isn't one. */
export const addressOf = (value: Buffer | undefined): number | null =>
  value?.length === 4 ? value.readUInt32BE() : null;

/** Text of an attribute, up to the zero that ends it. */
export const textOf = (value: Buffer | undefined): string | null =>
  value === undefined ? null : value.toString('latin1').replace(/\0.*$/s, '');
