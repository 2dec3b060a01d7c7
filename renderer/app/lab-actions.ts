import { useMemo } from 'react';
import { askTakeDown } from '../labs/take-down.tsx';
import { type Call, useCall } from '../rpc/use-call.ts';
import { useClient } from '../rpc/use-client.ts';
import { copyText } from '../ui/copy-text.ts';
import { hidePrivate } from '../ui/private.ts';
import { remark } from '../ui/remarks.ts';
import { type Command, useCommands } from './commands.ts';
import { goTo } from './location.ts';
import { places } from './routes.ts';
import { useView } from './view.ts';

/** Hands a text to the browser as a file to keep. */
function download(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export interface LabActions extends Omit<Call, 'run'> {
  readonly probe: () => void;
  readonly repair: () => void;
  readonly exportReport: () => void;
  readonly copyDiagnostics: () => void;
  readonly edit: () => void;
  readonly takeDown: () => void;
}

/** What can be done with a lab as a whole, as functions for its buttons and as commands. `broken`: something is to be repaired. */
export function useLabActions(lab: string, broken: boolean): LabActions {
  const client = useClient();
  const { busy, error, run, dismiss } = useCall();
  const actions = useMemo(
    () => ({
      probe: () => void run(() => client.probe.mutate({ lab })),
      repair: () => void run(() => client.repair.mutate({ lab })),
      exportReport: () =>
        void run(async () => {
          download(`${lab}.html`, await client.report.query({ lab }), 'text/html');
          remark(`Saved as ${lab}.html`);
        }),
      copyDiagnostics: () =>
        void run(async () => {
          const text = await client.diagnostics.query({ lab });
          await copyText(useView.getState().presenter ? hidePrivate(text) : text);
          remark('Diagnostics copied');
        }),
      edit: () => goTo(places.create({ lab })),
      takeDown: () => askTakeDown(lab),
    }),
    [client, lab, run],
  );
  const commands = useMemo<readonly Command[]>(
    () => [
      {
        id: 'lab.probe',
        label: 'Probe all pairs',
        group: 'Lab',
        keywords: 'measure reachability matrix run',
        shortcut: 'r',
        perform: actions.probe,
      },
      ...(broken
        ? [
            {
              id: 'lab.repair',
              label: 'Bring back what is missing',
              group: 'Lab' as const,
              keywords: 'repair fix up',
              perform: actions.repair,
            },
          ]
        : []),
      {
        id: 'lab.edit',
        label: 'Edit the lab…',
        group: 'Lab',
        keywords: 'yaml change hosts',
        shortcut: 'e',
        perform: actions.edit,
      },
      {
        id: 'lab.export',
        label: 'Export as one HTML file',
        group: 'Lab',
        keywords: 'report save download',
        shortcut: 'shift+E',
        perform: actions.exportReport,
      },
      {
        id: 'lab.diagnostics',
        label: 'Copy diagnostics',
        group: 'Lab',
        keywords: 'help support log',
        perform: actions.copyDiagnostics,
      },
      {
        id: 'lab.down',
        label: 'Take the lab down…',
        group: 'Lab',
        keywords: 'delete remove destroy stop',
        perform: actions.takeDown,
      },
      {
        id: 'go.topology',
        label: 'Topology',
        group: 'Go to',
        shortcut: 'g t',
        perform: () => goTo(places.topology(lab)),
      },
      {
        id: 'go.hosts',
        label: 'Hosts',
        group: 'Go to',
        shortcut: 'g h',
        perform: () => goTo(places.hosts(lab)),
      },
      {
        id: 'go.probes',
        label: 'Probes',
        group: 'Go to',
        keywords: 'matrix',
        shortcut: 'g p',
        perform: () => goTo(places.probes(lab)),
      },
      {
        id: 'go.containers',
        label: 'Containers',
        group: 'Go to',
        keywords: 'pods',
        shortcut: 'g c',
        perform: () => goTo(places.containers(lab)),
      },
      {
        id: 'go.timeline',
        label: 'Timeline',
        group: 'Go to',
        keywords: 'history events',
        shortcut: 'g l',
        perform: () => goTo(places.timeline(lab)),
      },
    ],
    [actions, broken, lab],
  );
  useCommands(commands);
  return { ...actions, busy, error, dismiss };
}
