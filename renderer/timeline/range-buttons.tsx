import { ActionIcon, SegmentedControl } from '@mantine/core';
import { IconMinus, IconPlus } from '@tabler/icons-react';
import { useView } from '../app/view.ts';
import { type Window, zoom } from './axis.ts';
import { fixTo } from './canvas.tsx';
import { setRange, useTimelineView } from './timeline-store.ts';

const spans = [
  { value: '300000', label: '5 min' },
  { value: '3600000', label: '1 h' },
  { value: 'all', label: 'All' },
];

/** How much time is shown: presets that follow now, and zooming around the cursor or the end. */
export function RangeButtons({ window, now }: { window: Window; now: number }) {
  const range = useTimelineView((view) => view.range);
  const cursor = useView((view) => view.cursor);
  const around = cursor ?? Math.min(now, window.to);
  return (
    <>
      <SegmentedControl
        size="xs"
        aria-label="How much time is shown"
        data={spans}
        value={range.kind === 'following' ? String(range.span) : ''}
        onChange={(value) => setRange({ kind: 'following', span: value === 'all' ? 'all' : Number(value) })}
      />
      <ActionIcon.Group>
        <ActionIcon
          variant="default"
          size={30}
          aria-label="Show more time"
          title="Show more time (-)"
          onClick={() => fixTo(zoom(window, 2, around))}
        >
          <IconMinus size={14} />
        </ActionIcon>
        <ActionIcon
          variant="default"
          size={30}
          aria-label="Show less time"
          title="Show less time (+)"
          onClick={() => fixTo(zoom(window, 0.5, around))}
        >
          <IconPlus size={14} />
        </ActionIcon>
      </ActionIcon.Group>
    </>
  );
}
