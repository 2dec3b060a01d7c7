/** Whether the keyboard is a Mac's. */
export const onMac = /mac/i.test(navigator.userAgent);
