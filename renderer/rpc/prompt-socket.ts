const goodbyeMilliseconds = 500;

/**
 * A WebSocket that is closed soon after `close()`, also when the other end stands still: a browser waits some ten seconds for
 * an answer to its goodbye, and meanwhile the screens would look as if they were alive.
 */
export class PromptSocket extends WebSocket {
  #told = false;

  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols);
    this.addEventListener('close', (event) => {
      // What was told already is not told again.
      if (this.#told) event.stopImmediatePropagation();
      this.#told = true;
    });
  }

  override close(code?: number, reason?: string): void {
    super.close(code, reason);
    setTimeout(() => {
      if (!this.#told) this.dispatchEvent(new CloseEvent('close', { code: 1006, wasClean: false }));
    }, goodbyeMilliseconds);
  }
}
