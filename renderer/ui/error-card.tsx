import { Button, CloseButton } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useContext, useState } from 'react';
import type { FlatlandError } from '../../contract/error.ts';
import { ClientContext } from '../rpc/use-client.ts';
import styles from './error-card.module.css';
import { useShown } from './private.ts';
import { StatusIcon } from './status.tsx';
import { WithCode } from './with-code.tsx';

export interface Fix {
  readonly label: string;
  readonly perform: () => void;
}

/**
 * An error of the catalogue: what happened, where, what to do about it, the fix as a button (or as a command where it is
 * one), and everything that a person who is asked for help wants to see, ready to be copied. `lab` is the lab that the
 * diagnostics tell of.
 */
export function ErrorCard({
  error,
  where,
  fix,
  diagnostics,
  lab,
  onDismiss,
}: {
  error: FlatlandError;
  where?: string;
  fix?: Fix;
  diagnostics?: string;
  lab?: string;
  onDismiss?: () => void;
}) {
  const shown = useShown();
  const text =
    diagnostics ??
    [where, `${error.code}: ${error.message}`, error.hint, error.fix].filter(Boolean).join('\n');
  return (
    <section className={styles['card']} role="alert">
      <p className={styles['title']}>
        <StatusIcon health="bad" />
        <span>{where ?? 'Something went wrong'}</span>
        <code className={styles['code']}>{error.code}</code>
        {onDismiss && <CloseButton size="sm" aria-label="Dismiss this error" onClick={onDismiss} />}
      </p>
      <p className={styles['message']}>
        <WithCode text={shown(error.message)} />
      </p>
      <p className={styles['hint']}>
        <WithCode text={shown(error.hint)} />
      </p>
      {error.fix !== undefined && <FixCommand command={error.fix} />}
      <div className={styles['actions']}>
        {fix && (
          <Button size="xs" onClick={fix.perform}>
            {fix.label}
          </Button>
        )}
        <CopyDiagnostics text={text} {...(lab === undefined ? {} : { lab })} />
      </div>
    </section>
  );
}

function FixCommand({ command }: { command: string }) {
  const clipboard = useClipboard({ timeout: 1200 });
  return (
    <p className={styles['command']}>
      <code>{command}</code>
      <Button size="compact-xs" variant="default" onClick={() => clipboard.copy(command)}>
        {clipboard.copied ? 'Copied' : 'Copy command'}
      </Button>
    </p>
  );
}

/** The error's own words, and what Flatland knows about itself and the lab where it can be asked. */
function CopyDiagnostics({ text, lab }: { text: string; lab?: string }) {
  const client = useContext(ClientContext);
  const clipboard = useClipboard({ timeout: 1600 });
  const [busy, setBusy] = useState(false);
  const copy = async () => {
    setBusy(true);
    // What is known of the error is worth copying also when nobody answers.
    const more = await client?.diagnostics.query(lab === undefined ? {} : { lab }).catch(() => '');
    clipboard.copy([text, more].filter(Boolean).join('\n\n'));
    setBusy(false);
  };
  return (
    <Button
      size="xs"
      variant="default"
      loading={busy}
      leftSection={
        clipboard.copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />
      }
      onClick={() => void copy()}
    >
      {clipboard.copied ? 'Copied' : 'Copy diagnostics'}
    </Button>
  );
}
