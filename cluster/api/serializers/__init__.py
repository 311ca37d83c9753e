"""What requests hold and answers show; input and output are separate classes."""
