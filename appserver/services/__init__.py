"""What the app server does: one file per flow. They meet the agents in etcd and nowhere else."""
