import { useEffect, useState } from 'react';

/** Unix time in ms, moving every `milliseconds` while `running`: for what fills up as one looks at it. */
export function useTick(milliseconds: number, running: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!running) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds, running]);
  return now;
}
