import { IconNetwork } from '@tabler/icons-react';
import type { NodeProps } from '@xyflow/react';
import { memo } from 'react';
import { useStream } from '../stream/store.ts';
import { useLook } from './focus.ts';
import styles from './switch-node.module.css';

/** The underlay: the network that joins the hosts, with this machine's own address on it. */
export const SwitchNode = memo(function SwitchNode(_: NodeProps) {
  const underlay = useStream(({ lab }) => lab?.lab.underlay);
  const detail = useLook((state) => state.detail);
  if (underlay === undefined) return null;
  return (
    <section className={styles['switch']} data-detail={detail} aria-label={`Underlay ${underlay.cidr}`}>
      <IconNetwork size={24} stroke={1.6} aria-hidden />
      <div>
        <strong className={styles['title']}>Underlay</strong>
        <span className={styles['line']}>{underlay.cidr}</span>
        <span className={styles['line']}>gateway {underlay.gateway}</span>
      </div>
      <span className={styles['mtu']}>MTU {underlay.mtu}</span>
    </section>
  );
});
