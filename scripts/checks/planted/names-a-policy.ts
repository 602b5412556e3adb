// Names a policy where none may be named, so that the check of policy names can be seen to work.
export const plantedPolicy = 'MeshTimeout';
