import { Button, Group, Modal, MultiSelect, Progress } from '@mantine/core';
import { IconFileUpload, IconPackage } from '@tabler/icons-react';
import { type DragEvent, useEffect, useRef, useState } from 'react';
import { useClient } from '../rpc/use-client.ts';
import type { LabState } from '../stream/state.ts';
import { useStream } from '../stream/store.ts';
import { ErrorCard } from '../ui/error-card.tsx';
import { formatBytes, formatSeconds } from '../ui/format.ts';
import { Status } from '../ui/status.tsx';
import { type ArchiveKind, archiveHead, archiveKind } from './archive.ts';
import styles from './containers.module.css';
import { forgetUpload, type UploadState, uploadImage, useUpload } from './upload.ts';

/** Loads an image from a file of this machine into hosts, for labs without a registry. */
export function LoadImage({
  state,
  opened,
  file,
  onClose,
}: {
  state: LabState;
  opened: boolean;
  /** The file that was dropped, if one was. */
  file: File | null;
  onClose: () => void;
}) {
  return (
    <Modal opened={opened} onClose={onClose} title="Load an image from a file" size="min(34rem, 100vw)">
      {opened && <Content state={state} file={file} onClose={onClose} />}
    </Modal>
  );
}

function Content({ state, file, onClose }: { state: LabState; file: File | null; onClose: () => void }) {
  const upload = useUpload((store) => store.upload);
  switch (upload.kind) {
    case 'none':
      return <Choice state={state} dropped={file} />;
    case 'sending':
      return <Sending upload={upload} />;
    case 'loading':
      return <Loading name={upload.name} task={upload.task} onClose={onClose} />;
    case 'failed':
      return (
        <ErrorCard
          error={upload.error}
          where={`Loading ${upload.name}`}
          fix={{ label: 'Choose a file again', perform: forgetUpload }}
        />
      );
  }
}

const warnings: Partial<Record<ArchiveKind, string>> = {
  empty: 'This file is empty.',
  other: 'This file is no image: it is neither a tar file nor compressed with gzip.',
};

function Choice({ state, dropped }: { state: LabState; dropped: File | null }) {
  const client = useClient();
  const usable = [...state.hosts.values()]
    .filter(({ reach }) => reach.kind === 'connected')
    .map(({ name }) => name);
  const [hosts, setHosts] = useState(usable);
  const [file, setFile] = useState(dropped);
  const [kind, setKind] = useState<ArchiveKind | null>(null);
  const [over, setOver] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    setKind(null);
    if (file === null) return;
    let current = true;
    file
      .slice(0, archiveHead)
      .arrayBuffer()
      .then(
        (head) => current && setKind(archiveKind(new Uint8Array(head))),
        () => current && setKind('empty'),
      );
    return () => {
      current = false;
    };
  }, [file]);
  const warning = kind === null ? undefined : warnings[kind];
  const take = (event: DragEvent) => {
    event.preventDefault();
    event.stopPropagation();
    setOver(false);
    setFile(event.dataTransfer.files[0] ?? null);
  };
  return (
    <div className={styles['form']}>
      <button
        type="button"
        className={styles['drop']}
        data-over={over}
        data-autofocus
        onClick={() => field.current?.click()}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={take}
      >
        {file === null ? <IconFileUpload size={26} aria-hidden /> : <IconPackage size={26} aria-hidden />}
        <strong>{file === null ? 'Drop a file here, or choose one' : file.name}</strong>
        <span>
          {file === null
            ? 'What docker save writes: a tar file, also compressed with gzip'
            : `${formatBytes(file.size)}, choose another`}
        </span>
      </button>
      <input
        ref={field}
        type="file"
        hidden
        aria-label="Image file"
        accept=".tar,.gz,.tgz,application/x-tar,application/gzip"
        onChange={({ currentTarget }) => setFile(currentTarget.files?.[0] ?? null)}
      />
      {warning !== undefined && <Status health="bad">{warning}</Status>}
      <MultiSelect
        label="Hosts"
        data={usable}
        value={hosts}
        onChange={setHosts}
        classNames={{ option: styles['option'] ?? '' }}
        searchable
        hidePickedOptions
        error={hosts.length === 0 && 'Choose at least one host.'}
      />
      <Group justify="flex-end">
        <Button
          disabled={file === null || hosts.length === 0 || kind === null || warning !== undefined}
          onClick={() => file !== null && void uploadImage(client, state.lab.name, hosts, file)}
        >
          Load
        </Button>
      </Group>
    </div>
  );
}

function Sending({ upload }: { upload: Extract<UploadState, { kind: 'sending' }> }) {
  const share = upload.sent / Math.max(1, upload.bytes);
  const seconds = (Date.now() - upload.startedAt) / 1000;
  const left = share > 0.02 && seconds > 1 ? `, ${formatSeconds((seconds / share) * (1 - share))} left` : '';
  return (
    <div className={styles['form']}>
      <strong className={styles['file']}>{upload.name}</strong>
      <Progress value={100 * share} aria-label={`Sending ${upload.name}`} />
      <span className={styles['faint']}>
        {formatBytes(upload.sent)} of {formatBytes(upload.bytes)} sent{left}
      </span>
      <p className={styles['ask']}>
        You may close this: it goes on, and the button above the table says how far it is.
      </p>
      <Group justify="flex-end">
        <Button variant="default" onClick={upload.cancel}>
          Cancel
        </Button>
      </Group>
    </div>
  );
}

function Loading({ name, task, onClose }: { name: string; task: string; onClose: () => void }) {
  const known = useStream((stream) => stream.tasks.find(({ id }) => id === task));
  const done = known !== undefined && known.state !== 'running' && known.state !== 'cancelling';
  return (
    <div className={styles['form']}>
      {known?.error ? (
        <ErrorCard error={known.error} where={`Loading ${name}`} />
      ) : (
        <Status health={!done ? 'working' : known.state === 'done' ? 'good' : 'stale'}>
          {!done
            ? `Loading ${name} into the hosts`
            : known.state === 'done'
              ? `${name} is loaded`
              : 'Cancelled'}
        </Status>
      )}
      {!done && <p className={styles['ask']}>It goes on as a task, which the task tray shows.</p>}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={forgetUpload}>
          Load another
        </Button>
        <Button
          onClick={() => {
            forgetUpload();
            onClose();
          }}
        >
          Close
        </Button>
      </Group>
    </div>
  );
}
