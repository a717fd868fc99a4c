"""Inputs of models of transformers, made from their configurations."""
