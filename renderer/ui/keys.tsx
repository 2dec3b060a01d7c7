import { Fragment } from 'react';
import { keysOf } from '../app/shortcuts.ts';
import styles from './keys.module.css';

const onMac = /mac/i.test(navigator.userAgent);

/** A shortcut as keys. */
export function Keys({ shortcut }: { shortcut: string }) {
  return (
    <span className={styles['keys']}>
      {keysOf(shortcut, onMac).map((keys, index) => (
        <Fragment key={keys.join('+')}>
          {index > 0 && <span className={styles['then']}>then</span>}
          {keys.map((key) => (
            <kbd className={styles['key']} key={key}>
              {key}
            </kbd>
          ))}
        </Fragment>
      ))}
    </span>
  );
}
