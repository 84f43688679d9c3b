"""Moorage's app server and agent: they decide, act and record; they meet in etcd."""
