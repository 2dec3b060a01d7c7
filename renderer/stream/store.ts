import { useEffect } from 'react';
import { create } from 'zustand';
import type { Client, DoorState } from '../rpc/client.ts';
import { applyWatch, type LabState, nothing, type StreamState } from './state.ts';

interface Store extends StreamState {
  readonly door: DoorState;
  /** The lab that is asked for; `lab` is null until the stream has told of it. */
  readonly watched: string | null;
}

/** What the stream told, for components: `useStream((state) => …)` redraws when the selected part changes. */
export const useStream = create<Store>(() => ({ ...nothing, door: { kind: 'connecting' }, watched: null }));

/** The watched lab; null while it is not known. */
export const useLab = (): LabState | null => useStream(({ lab }) => lab);

/** A door that is lost stays lost since it was lost first, however often it is tried again. */
export const setDoor = (door: DoorState): void =>
  useStream.setState((state) => (state.door.kind === 'lost' && door.kind === 'lost' ? state : { door }));

/** Keeps the store fed for as long as the component is shown; a reconnected door begins with a snapshot again. */
export function useWatch(client: Client, lab: string | null): void {
  useEffect(() => {
    useStream.setState((state) => ({
      watched: lab,
      ...(state.lab?.lab.name === lab ? {} : { lab: null }),
      ready: false,
    }));
    const subscription = client.watch.subscribe(
      { lab },
      { onData: (event) => useStream.setState((state) => applyWatch(state, event)) },
    );
    return () => subscription.unsubscribe();
  }, [client, lab]);
}
