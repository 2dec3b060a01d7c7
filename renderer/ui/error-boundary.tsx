import { Component, type ReactNode } from 'react';
import styles from './error-boundary.module.css';
import { ErrorCard } from './error-card.tsx';

interface State {
  readonly thrown: unknown;
  readonly failed: boolean;
}

interface Props {
  readonly children: ReactNode;
  readonly where: string;
  /** Another place is drawn anew, whatever failed at the one before. */
  readonly place: string;
}

/** Keeps a screen that fails to draw from taking the others with it. React knows no other way than a class. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { thrown: null, failed: false };

  static getDerivedStateFromError(thrown: unknown): State {
    return { thrown, failed: true };
  }

  override componentDidUpdate({ place }: Props): void {
    if (this.state.failed && place !== this.props.place) this.setState({ thrown: null, failed: false });
  }

  override render(): ReactNode {
    const { thrown, failed } = this.state;
    if (!failed) return this.props.children;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const stack = thrown instanceof Error ? (thrown.stack ?? message) : message;
    return (
      <div className={styles['room']}>
        <ErrorCard
          where={`${this.props.where} cannot be shown`}
          error={{
            code: 'internal',
            message,
            hint: 'This is a defect of Flatland; your labs are not touched by it. Please report it with its diagnostics.',
          }}
          diagnostics={stack}
          fix={{ label: 'Show it again', perform: () => this.setState({ thrown: null, failed: false }) }}
        />
      </div>
    );
  }
}
