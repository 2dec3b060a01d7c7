/** Puts a text on the clipboard, also where the browser's own way to it is closed. Rejects when neither way is open. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const box = document.createElement('textarea');
    box.value = text;
    box.setAttribute('aria-hidden', 'true');
    box.style.position = 'fixed';
    box.style.opacity = '0';
    document.body.append(box);
    box.select();
    const copied = document.execCommand('copy');
    box.remove();
    if (!copied) throw new Error('The browser does not let this page use the clipboard.');
  }
}
