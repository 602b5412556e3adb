// What compose puts together: parts that start in order and stop in reverse.

/** A running part of the control plane. `start` resolves when the part serves; `stop` when nothing of it is left. */
export interface Component {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}
