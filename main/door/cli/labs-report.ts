import type { LabSummary } from '../../../contract/status.ts';
import { drawFitting } from './table.ts';
import { ago, type Line, line, type Span, span } from './text.ts';

function state({ state: word }: LabSummary): Span {
  if (word === 'up') return span('up', 'good');
  return span(word, word === 'busy' ? 'accent' : 'caution');
}

/** What `ls` prints. Pure; `now` is the time in milliseconds. */
export function drawLabs(labs: readonly LabSummary[], width: number, now: number): Line[] {
  if (labs.length === 0) return [line('There is no lab; ', span('flatland up', 'accent'), ' makes one.')];
  const number = (value: number) => (value === 0 ? '' : String(value));
  const name = { title: 'LAB', cell: (lab: LabSummary) => span(lab.name, 'strong') };
  const short = [
    name,
    { title: 'STATE', cell: state },
    { title: 'HOSTS', cell: (lab: LabSummary) => span(number(lab.hosts)) },
    { title: 'PODS', cell: (lab: LabSummary) => span(number(lab.pods)) },
    { title: 'BACKEND', cell: (lab: LabSummary) => span(lab.backend) },
    { title: 'NETWORK', cell: (lab: LabSummary) => span(lab.cidr) },
  ];
  const created = { title: 'CREATED', cell: (lab: LabSummary) => span(ago(lab.createdAt, now), 'dim') };
  const underlay = { title: 'UNDERLAY', cell: (lab: LabSummary) => span(lab.underlay) };
  return drawFitting([[...short, underlay, created], [...short, created], short], labs, width);
}
