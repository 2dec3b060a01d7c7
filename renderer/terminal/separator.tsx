import { type KeyboardEvent, type PointerEvent, useEffect, useState } from 'react';
import { setView } from '../app/view.ts';
import styles from './drawer.module.css';
import { useTabs } from './tabs.ts';

const least = 140;
const step = 24;
/** The top bar and a strip of the screen above the drawer stay visible. */
const most = (): number => Math.max(least, window.innerHeight - 48 - 160);

const resize = (height: number): void => {
  const next = Math.round(Math.min(most(), Math.max(least, height)));
  useTabs.setState({ height: next });
  setView({ drawer: next });
};

/** The edge of the drawer: dragged, or moved by arrow keys. A double click or Enter maximises. */
export function Separator({ height }: { height: number }) {
  const [largest, setLargest] = useState(most);
  useEffect(() => {
    const onResize = () => {
      setLargest(most());
      if (height > most()) resize(height);
    };
    onResize();
    window.addEventListener('resize', onResize);
    return () => window.removeEventListener('resize', onResize);
  }, [height]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'ArrowUp') resize(height + step);
    else if (event.key === 'ArrowDown') resize(height - step);
    else if (event.key === 'Home') resize(most());
    else if (event.key === 'End') resize(least);
    else if (event.key === 'Enter') useTabs.setState({ maximised: true });
    else return;
    event.preventDefault();
  };
  const onPointerMove = (event: PointerEvent<HTMLElement>) => {
    if (event.currentTarget.hasPointerCapture(event.pointerId)) resize(window.innerHeight - event.clientY);
  };
  return (
    <div
      className={styles['separator']}
      role="separator"
      aria-orientation="horizontal"
      aria-label="Height of the drawer"
      aria-valuenow={height}
      aria-valuemin={least}
      aria-valuemax={largest}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={onPointerMove}
      onDoubleClick={() => useTabs.setState({ maximised: true })}
    />
  );
}
