import { lazy, Suspense, useEffect } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import { Start } from '../labs/start.tsx';
import { useClient } from '../rpc/use-client.ts';
import { useWatch } from '../stream/store.ts';
import { Frame } from './frame.tsx';
import { LabScreen } from './lab-screen.tsx';
import { crumbsOf } from './routes.ts';
import { useView } from './view.ts';

// The editor is as large as all the rest, and only this screen has it.
const NewLab = lazy(async () => ({ default: (await import('../labs/new-lab.tsx')).NewLab }));

/** The lab that a path is about; null where it is about none. */
const labOf = (path: string): string | null =>
  path.startsWith('/lab/') ? (crumbsOf(path)[1]?.label ?? null) : null;

/** Every screen: what is watched follows from where we are, and everything that is drawn follows from what is watched. */
export function App() {
  const [location] = useLocation();
  const watched = labOf(location);
  useWatch(useClient(), watched);
  const presenter = useView((view) => view.presenter);
  useEffect(() => {
    document.documentElement.dataset['presenter'] = presenter ? 'yes' : 'no';
  }, [presenter]);
  useEffect(() => {
    const crumbs = crumbsOf(location)
      .slice(1)
      .map(({ label }) => label);
    document.title = [...crumbs.reverse(), 'Flatland'].join(' · ');
  }, [location]);
  return (
    <Frame>
      <Switch>
        <Route path="/new">
          <Suspense>
            <NewLab />
          </Suspense>
        </Route>
        <Route path="/lab/:lab/*?">{watched !== null && <LabScreen name={watched} key={watched} />}</Route>
        <Route>
          <Start />
        </Route>
      </Switch>
    </Frame>
  );
}
