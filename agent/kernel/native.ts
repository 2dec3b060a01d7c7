/** Zeroed memory that stays where it is, at `address`. */
export interface Memory {
  readonly address: number;
  readonly buffer: ArrayBuffer;
  /** For programs in WebAssembly that work on it. */
  readonly memory?: WebAssembly.Memory;
}

/** WebAssembly's memory comes in pages. */
const pageSize = 65536;

/** The system calls that Node.js has no way to make, of glibc; each returns -1 and sets `errno` when it fails. */
export interface System {
  open(path: string, flags: number): number;
  close(descriptor: number): number;
  ioctl(descriptor: number, request: number, argument: Uint8Array): number;
  ioctlValue(descriptor: number, request: number, value: number): number;
  fcntl(descriptor: number, command: number, value: number): number;
  read(descriptor: number, buffer: Uint8Array, length: number): number;
  write(descriptor: number, buffer: Uint8Array, length: number): number;
  poll(descriptors: Uint8Array, count: number, milliseconds: number): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(descriptor: number, address: Uint8Array, length: number): number;
  setsockopt(descriptor: number, level: number, name: number, value: Uint8Array, length: number): number;
  getsockname(descriptor: number, address: Uint8Array, length: Uint8Array): number;
  recv(descriptor: number, buffer: Uint8Array, length: number, flags: number): number;
  sendto(
    descriptor: number,
    buffer: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: number,
  ): number;
  /** These three take the address of a struct msghdr, or of an array of struct iovec, in memory of `allocate`. */
  sendmsg(descriptor: number, message: number, flags: number): number;
  recvmsg(descriptor: number, message: number, flags: number): number;
  writev(descriptor: number, vectors: number, count: number): number;
  eventfd(initial: number, flags: number): number;
  /** Memory outside of the heap, for structures that point into themselves. It is never freed. */
  allocate(size: number): Memory;
  errno(): number;
}

/** Binds the system calls. Each thread binds its own: `errno` is a thread's. */
export async function loadSystem(): Promise<System> {
  // Only now, so that what needs no system calls of its own runs without koffi.
  const { koffi } = await import('./koffi.ts');
  const libc = koffi.load('libc.so.6');
  const fcntl = libc.func('int fcntl(int descriptor, int command, ...)');
  const ioctl = libc.func('int ioctl(int descriptor, unsigned long request, ...)');
  const memcpy = libc.func('uintptr_t memcpy(void *to, void *from, size_t length)');
  return {
    open: libc.func('int open(const char *path, int flags)'),
    close: libc.func('int close(int descriptor)'),
    ioctl: (descriptor, request, argument) => Number(ioctl(descriptor, request, 'void *', argument)),
    ioctlValue: (descriptor, request, value) => Number(ioctl(descriptor, request, 'unsigned long', value)),
    fcntl: (descriptor, request, value) => Number(fcntl(descriptor, request, 'int', value)),
    read: libc.func('int64_t read(int descriptor, void *buffer, size_t length)'),
    write: libc.func('int64_t write(int descriptor, void *buffer, size_t length)'),
    poll: libc.func('int poll(void *descriptors, unsigned long count, int milliseconds)'),
    socket: libc.func('int socket(int domain, int type, int protocol)'),
    bind: libc.func('int bind(int descriptor, void *address, uint32_t length)'),
    setsockopt: libc.func(
      'int setsockopt(int descriptor, int level, int name, void *value, uint32_t length)',
    ),
    getsockname: libc.func('int getsockname(int descriptor, void *address, void *length)'),
    recv: libc.func('int64_t recv(int descriptor, void *buffer, size_t length, int flags)'),
    sendto: libc.func(
      'int64_t sendto(int descriptor, void *buffer, size_t length, int flags, void *address, uint32_t addressLength)',
    ),
    sendmsg: libc.func('int64_t sendmsg(int descriptor, uintptr_t message, int flags)'),
    recvmsg: libc.func('int64_t recvmsg(int descriptor, uintptr_t message, int flags)'),
    writev: libc.func('int64_t writev(int descriptor, uintptr_t vectors, int count)'),
    allocate(size) {
      const pages = Math.ceil(size / pageSize);
      // Of a fixed size it never moves.
      const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
      const { buffer } = memory;
      // As koffi has no address of a buffer for us: what this function returns is its first argument.
      const address = Number(memcpy(new Uint8Array(buffer), new Uint8Array(1), 0));
      return { address, buffer, memory };
    },
    eventfd: libc.func('int eventfd(unsigned int initial, int flags)'),
    errno: () => koffi.errno(),
  };
}

/** What gives memory back to the system. */
export interface MemoryCalls {
  /** Of what was freed. */
  trim(): void;
  /** Of a file's bytes that are in memory; they are read again when somebody looks (madvise(2), MADV_DONTNEED). */
  forget(address: number, length: number): void;
}

const dontNeed = 4;

export async function loadMemoryCalls(): Promise<MemoryCalls> {
  const { koffi } = await import('./koffi.ts');
  const libc = koffi.load('libc.so.6');
  const trim = libc.func('int malloc_trim(size_t pad)');
  const advise = libc.func('int madvise(uintptr_t address, size_t length, int advice)');
  return {
    trim: () => trim(0),
    forget: (address, length) => advise(address, length, dontNeed),
  };
}

/** The errors that we tell apart, as Linux numbers them (asm-generic/errno-base.h, errno.h). */
export const errors = {
  interrupted: 4,
  again: 11,
  badState: 77,
  badDescriptor: 9,
  addressInUse: 98,
} as const;

const reasons = new Map([
  [1, 'not permitted'],
  [2, 'not there'],
  [6, 'no such device'],
  [13, 'permission denied'],
  [16, 'busy'],
  [19, 'no such device'],
  [errors.addressInUse, 'the port is taken'],
  [99, 'the address is not on this host'],
]);

/** A failed call in words. */
export const systemError = (what: string, system: System): Error => {
  const number = system.errno();
  return new Error(`${what}: ${reasons.get(number) ?? `error ${number}`}`);
};
