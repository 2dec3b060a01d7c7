import { SegmentedControl } from '@mantine/core';
import {
  applyNodeChanges,
  MiniMap,
  type Node,
  type NodeChange,
  ReactFlow,
  useReactFlow,
  useStore,
} from '@xyflow/react';
import {
  type KeyboardEvent,
  type MouseEvent,
  memo,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { healthOfHost } from '../host/health.ts';
import { useClient } from '../rpc/use-client.ts';
import { useStream } from '../stream/store.ts';
import { openTerminalFor } from '../terminal/open.ts';
import { look, type Shown, useLook } from './focus.ts';
import type { Point } from './geometry.ts';
import { HostNode } from './host-node.tsx';
import {
  circleLimit,
  type Direction,
  hostSize,
  neighbourOf,
  placeHosts,
  switchId,
  switchSize,
} from './layout.ts';
import { Legend } from './legend.tsx';
import { LinkTip, type Tip } from './link-tip.tsx';
import { type Link, labelledHosts } from './links.ts';
import { LinksCanvas, type LinksHandle } from './links-canvas.tsx';
import { pairKey } from './pairs.ts';
import { readPositions, writePositions } from './positions.ts';
import { SwitchNode } from './switch-node.tsx';
import styles from './topology.module.css';
import { ZoomControls } from './zoom-controls.tsx';

const nodeTypes = { host: HostNode, switch: SwitchNode };
const noEdges: never[] = [];
const withoutAttribution = { hideAttribution: true };
const centred: [number, number] = [0.5, 0.5];
const minimapFrom = 40;
const minimapSize = { width: 168, height: 112 };

/** The colour of a host in the overview. */
function colourOf({ id }: Node): string {
  const host = useStream.getState().lab?.hosts.get(id);
  if (host === undefined) return 'var(--line-strong)';
  if (useLook.getState().sick.has(id)) return 'var(--bad-mark)';
  return `var(--${healthOfHost(host, Date.now()).health}-mark)`;
}
const keyboardStep = 24;

const arrows: Readonly<Record<string, Direction>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
};

const steps: Record<Direction, Point> = {
  left: { x: -keyboardStep, y: 0 },
  right: { x: keyboardStep, y: 0 },
  up: { x: 0, y: -keyboardStep },
  down: { x: 0, y: keyboardStep },
};

interface Host {
  readonly name: string;
  readonly pods: number;
}

function nodesOf(hosts: readonly Host[], aspect: number, moved: ReadonlyMap<string, Point>): Node[] {
  const places = placeHosts(hosts, aspect);
  const at = (name: string): Point => {
    const { x, y } = moved.get(name) ?? places.get(name) ?? { x: 0, y: 0 };
    return { x, y };
  };
  const many = hosts.length > circleLimit;
  return [
    { id: switchId, type: 'switch', position: at(switchId), ...switchSize, data: {}, zIndex: 0 },
    ...hosts.map(({ name, pods }) => ({
      id: name,
      type: 'host',
      position: at(name),
      width: hostSize(pods).width,
      height: (many ? places.get(name)?.height : undefined) ?? hostSize(pods).height,
      data: {},
      zIndex: 1,
    })),
  ];
}

/** Room that the controls over the picture need. */
const padding = { top: '64px', bottom: '72px', left: '28px', right: '28px' } as const;

/** Keeps the whole lab in view until somebody moves the view. Returns how to go back to that. */
function useFitting(shape: unknown): { fitted: boolean; showAll: () => void; release: () => void } {
  const { fitView } = useReactFlow();
  const [fitted, setFitted] = useState(true);
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  const show = useCallback(() => {
    const presenting = document.documentElement.dataset['presenter'] === 'yes';
    void fitView({ padding, maxZoom: Math.max(presenting ? 1.9 : 1.35, width / 1600) });
  }, [fitView, width]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is shown, and the room for it, are why it is done again.
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      if (fitted) show();
    });
    return () => cancelAnimationFrame(frame);
  }, [show, fitted, shape, width, height]);
  return useMemo(
    () => ({
      fitted,
      showAll: () => {
        setFitted(true);
        show();
      },
      release: () => setFitted(false),
    }),
    [show, fitted],
  );
}

const choose = (link: Link): void =>
  look({
    selection:
      link.layer === 'underlay'
        ? { kind: 'host', host: link.from }
        : { kind: 'pair', one: link.from, other: link.to },
  });

const shownValues: { value: Shown; label: string }[] = [
  { value: 'underlay', label: 'Underlay' },
  { value: 'both', label: 'Both' },
  { value: 'overlay', label: 'Overlay' },
];

function LayerControl() {
  const shown = useLook((state) => state.shown);
  return (
    <SegmentedControl
      className={styles['layers']}
      size="xs"
      aria-label="Layers"
      value={shown}
      data={shownValues}
      onChange={(value) => {
        const chosen = shownValues.find((known) => known.value === value);
        if (chosen) look({ shown: chosen.value });
      }}
    />
  );
}

/** About the zoom at which all hosts will fit, so that a crowd is not first drawn with all its pods. */
const firstLook = (hosts: number) => ({ x: 0, y: 0, zoom: hosts > 40 ? 0.2 : hosts > circleLimit ? 0.4 : 1 });

/** Hosts that can be dragged over a canvas of links, with everything that moves the view. */
export const Picture = memo(function Picture({
  lab,
  hosts,
  aspect,
}: {
  lab: string;
  hosts: readonly Host[];
  aspect: number;
}) {
  const client = useClient();
  const flow = useReactFlow();
  const links = useRef<LinksHandle>(null);
  const area = useRef<HTMLDivElement>(null);
  const [moved, setMoved] = useState(() => readPositions(localStorage, lab));
  const [nodes, setNodes] = useState<Node[]>(() => nodesOf(hosts, aspect, moved));
  const shown = useLook((state) => state.shown);
  const [tip, setTip] = useState<Tip | null>(null);
  const pointing = useLook((state) => state.hoveredPair !== null);
  const { fitted, showAll, release } = useFitting(nodes.length);
  useEffect(() => setNodes(nodesOf(hosts, aspect, moved)), [hosts, aspect, moved]);
  useEffect(() => {
    const { active } = useLook.getState();
    if (active === null || hosts.every(({ name }) => name !== active))
      look({ active: hosts[0]?.name ?? null });
  }, [hosts]);

  const change = useCallback(
    (changes: NodeChange[]) =>
      setNodes((known) =>
        applyNodeChanges(
          changes.filter(({ type }) => type === 'position'),
          known,
        ),
      ),
    [],
  );
  const place = useCallback(
    (name: string, { x, y }: Point) =>
      setMoved((known) => {
        const positions = new Map(known).set(name, { x: Math.round(x), y: Math.round(y) });
        writePositions(localStorage, lab, positions);
        return positions;
      }),
    [lab],
  );
  const dropped = useCallback((_: unknown, node: Node) => place(node.id, node.position), [place]);
  const reset = useCallback(() => {
    writePositions(localStorage, lab, new Map());
    setMoved(new Map());
    showAll();
  }, [lab, showAll]);

  const select = useCallback((_: MouseEvent, { id, type }: Node) => {
    if (type === 'host') look({ selection: { kind: 'host', host: id }, active: id });
  }, []);
  const openTerminal = useCallback(
    (_: MouseEvent, { id, type }: Node) => {
      if (type === 'host') openTerminalFor(client, lab, id);
    },
    [client, lab],
  );
  const enter = useCallback((_: MouseEvent, { id, type }: Node) => {
    look({ hoveredHost: type === 'host' ? id : null, hoveredPair: null });
  }, []);
  const leave = useCallback(() => look({ hoveredHost: null }), []);
  const point = useCallback((event: MouseEvent) => {
    // What is over a host is on its card, not on the links behind it.
    const bare = event.target instanceof Element && event.target.closest('.react-flow__node') === null;
    const link =
      bare && event.buttons === 0 ? links.current?.linkAt({ x: event.clientX, y: event.clientY }) : null;
    const hoveredPair = link ? pairKey(link.from, link.to) : null;
    if (hoveredPair === useLook.getState().hoveredPair) return;
    look({ hoveredPair });
    const frame = area.current?.getBoundingClientRect();
    setTip(link && frame ? { link, x: event.clientX - frame.x, y: event.clientY - frame.y } : null);
  }, []);
  const unpoint = useCallback(() => look({ hoveredPair: null }), []);
  const pick = useCallback((event: MouseEvent) => {
    const link = links.current?.linkAt({ x: event.clientX, y: event.clientY }) ?? null;
    if (link === null) look({ selection: null });
    else choose(link);
  }, []);
  const startMove = useCallback(
    (event: unknown) => {
      if (event !== null) release();
    },
    [release],
  );

  const goTo = (name: string): void => {
    look({ active: name });
    const head = area.current?.querySelector<HTMLElement>(`[data-host="${CSS.escape(name)}"]`);
    head?.focus({ preventScroll: true });
    const node = flow.getNode(name);
    const { x, y, width, height } = area.current?.getBoundingClientRect() ?? new DOMRect();
    if (node === undefined) return;
    const at = flow.flowToScreenPosition(node.position);
    const inside = at.x > x + 60 && at.x < x + width - 60 && at.y > y + 60 && at.y < y + height - 60;
    if (!inside) {
      release();
      void flow.setCenter(node.position.x, node.position.y, { zoom: flow.getZoom() });
    }
  };
  const steer = (event: KeyboardEvent): void => {
    const { active } = useLook.getState();
    const direction = arrows[event.key];
    if (active === null || !(event.target instanceof HTMLElement)) return;
    if (event.target.closest('[data-host], [data-pod]') === null) return;
    if (event.key === 'Enter' && event.shiftKey) {
      event.preventDefault();
      openTerminalFor(client, lab, active);
      return;
    }
    if (direction === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const node = flow.getNode(active);
    if (event.altKey && node !== undefined) {
      const step = steps[direction];
      place(active, { x: node.position.x + step.x, y: node.position.y + step.y });
      return;
    }
    const places = new Map(
      flow.getNodes().flatMap(({ id, type, position }) => (type === 'host' ? [[id, position] as const] : [])),
    );
    const next = neighbourOf(places, active, direction);
    if (next !== null) goTo(next);
  };

  return (
    <div
      ref={area}
      className={styles['picture']}
      data-shown={shown}
      data-pointing={pointing}
      onKeyDown={steer}
      role="group"
      aria-label="Picture of the lab. Arrow keys move between hosts, Enter opens one, Shift and Enter its terminal, Alt and arrow keys move a host."
    >
      <ReactFlow
        nodes={nodes}
        edges={noEdges}
        nodeTypes={nodeTypes}
        nodeOrigin={centred}
        onNodesChange={change}
        onNodeDragStop={dropped}
        onNodeClick={select}
        onNodeDoubleClick={openTerminal}
        onNodeMouseEnter={enter}
        onNodeMouseLeave={leave}
        onPaneMouseMove={point}
        onPaneMouseLeave={unpoint}
        onPaneClick={pick}
        onMoveStart={startMove}
        defaultViewport={firstLook(hosts.length)}
        minZoom={0.08}
        maxZoom={2.5}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        disableKeyboardA11y
        zoomOnDoubleClick={false}
        deleteKeyCode={null}
        selectionKeyCode={null}
        multiSelectionKeyCode={null}
        panActivationKeyCode={null}
        zoomActivationKeyCode={null}
        nodeDragThreshold={4}
        onlyRenderVisibleElements={hosts.length > 60}
        proOptions={withoutAttribution}
      >
        <LinksCanvas handle={links} />
        {hosts.length >= minimapFrom && !fitted && (
          <MiniMap
            pannable
            zoomable
            ariaLabel="Overview of all hosts"
            nodeColor={colourOf}
            style={minimapSize}
          />
        )}
      </ReactFlow>
      <div className={styles['top']}>
        <LayerControl />
        <ZoomControls onFit={showAll} onReset={moved.size === 0 ? null : reset} onMove={release} />
      </div>
      {pointing && tip !== null && hosts.length > labelledHosts && <LinkTip tip={tip} />}
      <Legend />
    </div>
  );
});
