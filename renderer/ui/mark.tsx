import { useId } from 'react';

/** Flatland's mark: a flat plane with three nodes that reach each other. */
export function Mark({ size = 22 }: { size?: number }) {
  const id = useId();
  return (
    <svg
      width={size * 1.3}
      height={size * 0.92}
      viewBox="0 12 64 45"
      fill="none"
      aria-hidden="true"
      focusable="false"
    >
      <linearGradient id={id} x1="0" y1="0" x2="1" y2="1">
        <stop offset="0" stopColor="var(--mark-light)" />
        <stop offset="1" stopColor="var(--mark-deep)" />
      </linearGradient>
      <path d="M2 31v6l30 17 30-17v-6L32 48z" fill="var(--mark-edge)" />
      <path d="M32 14 62 31 32 48 2 31z" fill={`url(#${id})`} />
      <path d="M32 22 45.5 32.5 18 32z" stroke="var(--mark-node)" strokeWidth="2.4" strokeLinejoin="round" />
      <g fill="var(--mark-node)">
        <circle cx="32" cy="21.5" r="4.2" />
        <circle cx="46" cy="32.5" r="4.8" />
        <circle cx="18" cy="32" r="4.8" />
      </g>
    </svg>
  );
}
