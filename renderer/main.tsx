import '@fontsource-variable/inter';
import '@fontsource-variable/jetbrains-mono';
import '@mantine/core/styles.css';
import './ui/theme.css';
import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { App } from './app/app.tsx';
import { hashHref, useHashLocation, useHashSearch } from './app/location.ts';
import { connect } from './rpc/client.ts';
import { socketOfThisPage } from './rpc/socket.ts';
import { ClientContext } from './rpc/use-client.ts';
import { setDoor } from './stream/store.ts';
import { theme, variables } from './ui/theme.ts';

const client = connect(socketOfThisPage(), setDoor);
const queries = new QueryClient({ defaultOptions: { queries: { retry: 1, refetchOnWindowFocus: false } } });
const root = document.getElementById('root');
if (root === null) throw new Error('the page has no root');

createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <ClientContext value={client}>
          <Router hook={useHashLocation} searchHook={useHashSearch} hrefs={hashHref}>
            <App />
          </Router>
        </ClientContext>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
