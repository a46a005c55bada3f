// One step of Undo for several changes.

/** A command whose changes are those that it runs. */
class Batch {
  preExecute({ run }: { run: () => void }): void {
    run();
  }
}

export class Commands {
  static $inject = ['commandStack'];

  constructor(commandStack: { registerHandler(command: string, handler: unknown): void }) {
    commandStack.registerHandler('dataConnector.batch', Batch);
  }
}
