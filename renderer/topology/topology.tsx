import '@xyflow/react/dist/base.css';
import { VisuallyHidden } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { ReactFlowProvider } from '@xyflow/react';
import { useEffect, useMemo } from 'react';
import type { LabState } from '../stream/state.ts';
import { Aside } from './aside.tsx';
import { resetLook, useLook } from './focus.ts';
import { Picture } from './picture.tsx';
import { Told } from './told.tsx';
import styles from './topology.module.css';

/** Hosts as the picture needs them: their names in the lab's order, and how many pods each has. */
function hostsOf(state: LabState): { name: string; pods: number }[] {
  const names = new Set([...state.lab.hosts.map(({ name }) => name), ...state.hosts.keys()]);
  const waiting = new Map<string, number>();
  for (const { host } of state.lab.pods) waiting.set(host, (waiting.get(host) ?? 0) + 1);
  return [...names].map((name) => ({
    name,
    pods: state.hosts.get(name)?.status.pods.length ?? waiting.get(name) ?? 0,
  }));
}

/** The lab as a picture: hosts with their pods, and underlay and overlay as two layers of links between them. */
export function Topology({ state }: { state: LabState }) {
  const { ref, width, height } = useElementSize();
  const found = hostsOf(state);
  // The same hosts are the same list, so that the picture is laid out anew only when they change.
  const shape = found.map(({ name, pods }) => `${name} ${pods}`).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` is all that `found` has.
  const hosts = useMemo(() => found, [shape]);
  // In coarse steps: a window that grows a little is no reason to move hosts.
  const aspect = height === 0 ? 0 : Math.max(0.5, Math.round((width / Math.max(height - 136, 80)) * 3) / 3);
  const selection = useLook((look) => look.selection);
  useEffect(() => resetLook, []);
  return (
    <div className={styles['topology']} ref={ref}>
      <VisuallyHidden component="h2">Topology</VisuallyHidden>
      {aspect > 0 && (
        <ReactFlowProvider>
          <Picture lab={state.lab.name} hosts={hosts} aspect={aspect} />
        </ReactFlowProvider>
      )}
      {selection !== null && <Aside state={state} selection={selection} />}
      <Told state={state} />
    </div>
  );
}
