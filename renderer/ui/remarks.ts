import { create } from 'zustand';

interface Remark {
  readonly id: number;
  readonly text: string;
}

/** Short remarks that go away by themselves, such as that something was copied. */
export const useRemarks = create<{ readonly remarks: readonly Remark[] }>(() => ({ remarks: [] }));

let latest = 0;

/** Says something in passing, also to those who listen instead of look. */
export function remark(text: string): void {
  latest += 1;
  const id = latest;
  useRemarks.setState(({ remarks }) => ({ remarks: [...remarks, { id, text }].slice(-3) }));
  setTimeout(
    () => useRemarks.setState(({ remarks }) => ({ remarks: remarks.filter((one) => one.id !== id) })),
    4000,
  );
}
