import { create } from 'zustand';
import type { FlatlandError } from '../../contract/error.ts';
import { type Client, toError } from '../rpc/client.ts';

/** Where the image that is loaded from a file is. The loading itself is a task like any other. */
export type UploadState =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'sending';
      readonly name: string;
      readonly bytes: number;
      readonly sent: number;
      /** Unix time in ms. */
      readonly startedAt: number;
      readonly cancel: () => void;
    }
  | { readonly kind: 'loading'; readonly name: string; readonly task: string }
  | { readonly kind: 'failed'; readonly name: string; readonly error: FlatlandError };

/** The upload of this window; it goes on while its dialog is closed. */
export const useUpload = create<{ readonly upload: UploadState }>(() => ({ upload: { kind: 'none' } }));

const set = (upload: UploadState): void => useUpload.setState({ upload });
export const forgetUpload = (): void => set({ kind: 'none' });

const chunkBytes = 768 * 1024;

/** A part of a file as base64, made by the browser off the main thread. */
function readBase64(part: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      const { result } = reader;
      // A data URL: what follows the comma.
      resolve(typeof result === 'string' ? result.slice(result.indexOf(',') + 1) : '');
    };
    reader.onerror = () =>
      reject(new Error(`The file could not be read: ${reader.error?.message ?? 'unknown'}`));
    reader.readAsDataURL(part);
  });
}

/**
 * Sends a file in chunks, one after the other, so that the screen stays quick, and has it loaded into the hosts. It ends with a
 * task, a failure, or nothing when it was cancelled; what was sent of it is removed by the server after a while.
 */
export async function uploadImage(
  client: Client,
  lab: string,
  hosts: readonly string[],
  file: File,
): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  const { name, size: bytes } = file;
  const startedAt = Date.now();
  const tell = (sent: number) =>
    set({ kind: 'sending', name, bytes, sent, startedAt, cancel: () => controller.abort() });
  tell(0);
  try {
    const { id } = await client.beginUpload.mutate({ name, bytes }, { signal });
    for (let offset = 0; offset < bytes; offset += chunkBytes) {
      const part = file.slice(offset, offset + chunkBytes);
      await client.uploadChunk.mutate({ id, offset, base64: await readBase64(part) }, { signal });
      signal.throwIfAborted();
      tell(offset + part.size);
    }
    const { task } = await client.loadImage.mutate({ lab, hosts: [...hosts], upload: id }, { signal });
    set({ kind: 'loading', name, task });
  } catch (thrown) {
    if (signal.aborted) forgetUpload();
    else set({ kind: 'failed', name, error: toError(thrown) });
  }
}
