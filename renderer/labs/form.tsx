import { ActionIcon, NumberInput, SegmentedControl, Select, Switch, TextInput } from '@mantine/core';
import { IconMinus, IconPlus, IconX } from '@tabler/icons-react';
import { memo, useEffect, useState } from 'react';
import type { BackendType } from '../../contract/lab.ts';
import type { FormPod, LabEdit, LabForm } from './document.ts';
import styles from './form.module.css';

type Edit = (edit: LabEdit) => void;

const backends: { value: BackendType; label: string }[] = [
  { value: 'vxlan', label: 'VXLAN' },
  { value: 'udp', label: 'UDP' },
  { value: 'host-gw', label: 'host-gw' },
];

const backendSentence: Record<BackendType, string> = {
  vxlan: 'The kernel wraps packets in VXLAN: fast, 50 bytes a packet.',
  udp: 'The agent carries packets through flannel0: slow, 28 bytes a packet.',
  'host-gw': 'Plain routes, no tunnel: all hosts must share one link.',
};

const usualPort: Record<BackendType, string> = { vxlan: '8472', udp: '8285', 'host-gw': '' };

const mostHosts = 64;

/** The lab file as a form. It reads the text's own values and writes each change back into it. */
export function Form({ form, edit }: { form: LabForm; edit: Edit }) {
  return (
    <form className={styles['form']} aria-label="Lab as a form" onSubmit={(event) => event.preventDefault()}>
      <TextInput
        label="Name"
        size="sm"
        value={form.name}
        spellCheck={false}
        onChange={(event) => edit({ kind: 'name', value: event.currentTarget.value })}
      />
      <fieldset className={styles['group']}>
        <legend>Network</legend>
        <div>
          <SegmentedControl
            fullWidth
            size="xs"
            aria-label="Backend"
            data={backends}
            value={form.backend}
            onChange={(value) =>
              edit({ kind: 'backend', value: backends.find((one) => one.value === value)?.value ?? 'vxlan' })
            }
          />
          <p className={styles['note']}>{backendSentence[form.backend]}</p>
        </div>
        <div className={styles['pair']}>
          {form.backend === 'vxlan' && (
            <NumberField
              label="VNI"
              value={form.vni}
              usual="1"
              onChange={(value) => edit({ kind: 'backend-option', option: 'vni', value })}
            />
          )}
          {form.backend !== 'host-gw' && (
            <NumberField
              label="UDP port"
              value={form.port}
              usual={usualPort[form.backend]}
              onChange={(value) => edit({ kind: 'backend-option', option: 'port', value })}
            />
          )}
        </div>
        {form.backend === 'vxlan' && (
          <Switch
            size="xs"
            label="Plain routes on the same link (direct routing)"
            checked={form.directRouting}
            onChange={(event) =>
              edit({
                kind: 'backend-option',
                option: 'directRouting',
                value: event.currentTarget.checked ? true : null,
              })
            }
          />
        )}
        <div className={styles['pair']}>
          <TextInput
            label="Overlay range"
            size="xs"
            placeholder="a free one"
            value={form.overlay}
            onChange={(event) => edit({ kind: 'overlay', value: event.currentTarget.value })}
          />
          <NumberField
            label="Subnet of a host"
            prefix="/"
            value={form.subnetLength}
            usual="24"
            onChange={(value) => edit({ kind: 'subnet-length', value })}
          />
          <TextInput
            label="Underlay range"
            size="xs"
            placeholder="a free one"
            value={form.underlay}
            onChange={(event) => edit({ kind: 'underlay', value: event.currentTarget.value })}
          />
          <NumberField
            label="Underlay MTU"
            value={form.mtu}
            usual="1500"
            onChange={(value) => edit({ kind: 'mtu', value })}
          />
          <Select
            label="etcd members"
            size="xs"
            allowDeselect={false}
            data={[
              { value: '', label: form.hosts.length <= 2 ? 'usual (1)' : 'usual (3)' },
              { value: '1', label: '1' },
              { value: '3', label: '3' },
              { value: '5', label: '5' },
            ]}
            value={form.members === null ? '' : String(form.members)}
            onChange={(value) =>
              edit({ kind: 'members', value: value === null || value === '' ? null : Number(value) })
            }
          />
          <Switch
            size="xs"
            className={styles['bottom'] ?? ''}
            label="etcd with mTLS"
            checked={form.tls}
            onChange={(event) => edit({ kind: 'tls', value: event.currentTarget.checked })}
          />
        </div>
      </fieldset>
      <fieldset className={styles['group']}>
        <legend>Hosts and pods</legend>
        <div className={styles['stepper']}>
          <span id="how-many-hosts">
            {form.hosts.length} {form.hosts.length === 1 ? 'host' : 'hosts'}, {form.pods.length}{' '}
            {form.pods.length === 1 ? 'pod' : 'pods'}
          </span>
          <ActionIcon.Group>
            <ActionIcon
              variant="default"
              size={28}
              aria-label="One host less"
              disabled={form.hosts.length <= 1}
              onClick={() => edit({ kind: 'hosts', count: form.hosts.length - 1 })}
            >
              <IconMinus size={14} aria-hidden />
            </ActionIcon>
            <ActionIcon
              variant="default"
              size={28}
              aria-label="One host more"
              disabled={form.hosts.length >= mostHosts}
              onClick={() => edit({ kind: 'hosts', count: form.hosts.length + 1 })}
            >
              <IconPlus size={14} aria-hidden />
            </ActionIcon>
          </ActionIcon.Group>
        </div>
        <HostList hosts={form.hosts} pods={form.pods} edit={edit} />
      </fieldset>
    </form>
  );
}

function NumberField({
  label,
  value,
  usual,
  prefix,
  onChange,
}: {
  label: string;
  value: number | null;
  usual: string;
  prefix?: string;
  onChange: (value: number | null) => void;
}) {
  return (
    <NumberInput
      label={label}
      size="xs"
      hideControls
      allowDecimal={false}
      allowNegative={false}
      placeholder={`${prefix ?? ''}${usual}`}
      {...(prefix === undefined ? {} : { prefix })}
      value={value ?? ''}
      onChange={(next) => onChange(typeof next === 'number' ? next : next === '' ? null : Number(next))}
    />
  );
}

function HostList({ hosts, pods, edit }: { hosts: readonly string[]; pods: readonly FormPod[]; edit: Edit }) {
  return (
    <ul className={styles['hosts']}>
      {hosts.map((host, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a host is its place in the file while its name is typed.
        <li key={index}>
          <div className={styles['host']}>
            <NameField
              label={`Name of host ${index + 1}`}
              value={host}
              onCommit={(name) => edit({ kind: 'rename-host', index, name })}
            />
            <ActionIcon
              size={24}
              aria-label={`A pod more on ${host}`}
              onClick={() => edit({ kind: 'add-pod', host })}
            >
              <IconPlus size={14} aria-hidden />
            </ActionIcon>
            <ActionIcon
              size={24}
              aria-label={`Remove host ${host}`}
              disabled={hosts.length <= 1}
              onClick={() => edit({ kind: 'remove-host', index })}
            >
              <IconX size={14} aria-hidden />
            </ActionIcon>
          </div>
          <ul className={styles['pods']}>
            {pods.map((pod, at) =>
              pod.host === host ? (
                // biome-ignore lint/suspicious/noArrayIndexKey: a pod is its place in the file while its name is typed.
                <PodRow key={at} index={at} name={pod.name} image={pod.image} edit={edit} />
              ) : null,
            )}
          </ul>
        </li>
      ))}
    </ul>
  );
}

const PodRow = memo(function PodRow({
  index,
  name,
  image,
  edit,
}: {
  index: number;
  name: string;
  image: string;
  edit: Edit;
}) {
  return (
    <li className={styles['pod']}>
      <NameField
        label={`Name of pod ${name}`}
        value={name}
        onCommit={(value) => edit({ kind: 'pod', index, field: 'name', value })}
      />
      <NameField
        label={`Image of pod ${name}`}
        value={image}
        placeholder="built-in image"
        onCommit={(value) => edit({ kind: 'pod', index, field: 'image', value })}
      />
      <ActionIcon
        size={24}
        aria-label={`Remove pod ${name}`}
        onClick={() => edit({ kind: 'remove-pod', index })}
      >
        <IconX size={14} aria-hidden />
      </ActionIcon>
    </li>
  );
});

/** A name that others refer to: it is written when it is complete, so that a half-typed one never meets another's. */
function NameField({
  label,
  value,
  placeholder,
  onCommit,
}: {
  label: string;
  value: string;
  placeholder?: string;
  onCommit: (value: string) => void;
}) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const commit = () => {
    if (typed !== value) onCommit(typed);
  };
  return (
    <input
      className={styles['field']}
      aria-label={label}
      placeholder={placeholder}
      spellCheck={false}
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => event.key === 'Enter' && commit()}
    />
  );
}
