/** The spec asks for what is not there; a kubelet reports it as CreateContainerConfigError and tries again. */
export class ContainerConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ContainerConfigError';
  }
}
